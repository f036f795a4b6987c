"""Notifications: who must be told of an alert, and whether the push went out."""
