"""``zhian doctor``: whether everything a deployment stands on is as it must be, and what to do where it is not."""
