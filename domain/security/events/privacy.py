"""What of an event tells who it was. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PUBLIC = frozenset(
    {
        "active", "alarm", "alarm_input", "alarm_unmapped", "antenna", "battery_low", "battery_percent", "channel",
        "code", "confidence", "contact", "decision", "direction", "door", "duress", "fire", "gas", "gas_percent_lel",
        "humidity_percent", "illuminance_lux", "input", "lane", "link_quality", "liquid_level", "method", "movement",
        "occupancy", "phase", "pictures_dropped", "plate_color", "plate_encrypted", "reader", "reads", "reason",
        "region", "rssi_dbm", "signal_dbm", "smoke", "smoke_density", "state", "tag_kind", "tamper", "target",
        "time_rejected", "track", "type", "vehicle_type", "vendor_type", "vibration", "voltage_mv", "water_leak",
    }
)  # fmt: skip
"""Attributes that say what happened but not to whom; all others (numbers of persons, cards, plates and tags, health,
whatever a vendor adds) are kept sealed and shown only to those who may know. A list of what is open, so that a new one
is closed."""


NESTED = frozenset({dict, list, tuple})
"""What may hold anything is shown to nobody by its name: ``reads`` is a count in our events, a list in a message."""


def parted(attributes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What everybody who sees the event may know of ``attributes``, and what tells who it was."""
    public = dict(attributes)
    personal = {name: public.pop(name) for name in attributes.keys() - PUBLIC}
    if not NESTED.isdisjoint(map(type, public.values())):
        personal |= {name: public.pop(name) for name in list(public) if type(public[name]) in NESTED}
    return public, personal


def without_persons(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """``attributes`` without what tells who it was."""
    return parted(attributes)[0]
