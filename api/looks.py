"""Which sensitive leaf is which kind of look in the audit log."""

from __future__ import annotations

OF_LEAF = {
    "Account.phone": "account.phone_read",
    "Event.attributes": "event.attributes_read",
    "Event.pictures": "event.pictures_read",
    "Household.disabledPerson": "household.condition_read",
    "Household.livesAlone": "household.condition_read",
    "Sighting.subject": "sighting.read",
}
NOT_PERSONAL = frozenset({"Device.liveness", "Device.weakWays"})
"""Leaves that say nothing about people: a look at them is not put on record."""
