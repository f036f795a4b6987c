"""The number somebody signs in by: changed by themselves, or moved by those who keep them when it is lost."""
