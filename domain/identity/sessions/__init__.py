"""Sign-in by one-time code, and the sessions it starts."""
