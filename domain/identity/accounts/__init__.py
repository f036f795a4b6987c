"""Accounts: made at the first sign-in, or when the property office or a neighbour names a phone."""
