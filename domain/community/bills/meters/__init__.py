"""Meters of homes and what they were read at."""
