"""Accounts, sign-in sessions, residents and households, roles."""
