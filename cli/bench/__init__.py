"""Measurements, each with what it is held against taken in the same run."""
