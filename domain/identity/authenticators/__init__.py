"""Authenticator apps as second factor of a sign-in (TOTP, RFC 6238), and the recovery codes that stand in for them."""
