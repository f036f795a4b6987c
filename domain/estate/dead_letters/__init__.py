"""Outbox events that were given up, as the operators of their county see them and have them tried again."""
