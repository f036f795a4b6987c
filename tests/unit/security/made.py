"""Observations and devices of rule tests."""

from __future__ import annotations

from typing import Any

from domain.security.devices.directory import DeviceRef
from domain.security.devices.observation import EventKind, Observation


def device(**fields: Any) -> DeviceRef:
    """A gate of compound 4, unless said otherwise."""
    values: dict[str, Any] = {
        "id": 9, "county_id": 1, "town_id": 2, "community_id": 3, "compound_id": 4, "home_id": None,
        "vendor": "zhian", "kind": "gate", "name": "G", "place": "East gate", "zone": "", "direction": None,
        "timezone": "Asia/Shanghai",
    }  # fmt: skip
    return DeviceRef(**values | fields)


def seen(kind: EventKind, said: dict[str, Any], **fields: Any) -> Observation:
    """An observation."""
    return Observation(kind, None, None, said, **fields)
