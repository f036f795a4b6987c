"""Alerts: raised by rules, shown to an audience, acknowledged and cleared."""
