"""``zhian components``: whether what this version is built of has known weaknesses, was withdrawn, or is overdue."""
