"""Identity's outside: key files, sealed fields, access tokens, text messages."""
