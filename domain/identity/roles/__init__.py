"""Roles over areas: who holds them and who may grant them."""
