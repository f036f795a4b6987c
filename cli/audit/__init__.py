"""``zhian audit``."""
