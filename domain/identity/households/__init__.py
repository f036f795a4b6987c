"""Residents and the homes they belong to."""
