"""Rules of the estate."""
