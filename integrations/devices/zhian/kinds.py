"""What each kind of message may say: the check of every attribute, and which are required.

docs/schemas/devices/*.json say the same; tests hold the two against each other in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from domain.security.devices.observation import EventKind
from integrations.devices import vocabulary
from integrations.devices.plates import plate
from integrations.devices.temperature import body_temperature
from integrations.devices.zhian import values
from integrations.devices.zhian.values import Check

_number = values.label(64)
_ordinal = values.whole(0, 9999)


@dataclass(frozen=True, slots=True)
class Kind:
    """``checks``: attribute -> check. ``required``: must be there. ``any_of``: at least one of them must be."""

    event: EventKind
    checks: dict[str, Check]
    required: tuple[str, ...] = ()
    any_of: frozenset[str] = frozenset()


PASSAGE: Final = Kind(
    EventKind.PASSAGE,
    {
        "decision": values.one_of(vocabulary.DECISIONS),
        "reason": values.one_of(vocabulary.REASONS),
        "method": values.one_of(vocabulary.METHODS),
        "person_no": _number,
        "card_no": _number,
        "direction": values.one_of(vocabulary.DIRECTIONS),
        "door": _ordinal,
        "reader": _ordinal,
        "temperature_c": values.body_heat,
        "mask": values.flag,
        "health_code": values.one_of(vocabulary.HEALTH_CODES),
        "user_type": values.one_of(vocabulary.USER_TYPES),
        "duress": values.flag,
    },
    required=("decision",),
)
DOOR: Final = Kind(
    EventKind.DOOR,
    {
        "state": values.one_of(vocabulary.DOOR_STATES),
        "method": values.one_of(vocabulary.METHODS),
        "door": _ordinal,
    },
    required=("state",),
)
PLATE_READ: Final = Kind(
    EventKind.PLATE_READ,
    {
        "plate": values.plate_text,
        "plate_color": values.one_of(vocabulary.PLATE_COLORS),
        "confidence": values.measure(0, 100),
        "direction": values.one_of(vocabulary.DIRECTIONS),
        "lane": _ordinal,
        "vehicle_type": values.one_of(vocabulary.VEHICLE_TYPES),
        "list": values.one_of(vocabulary.VEHICLE_LISTS),
    },
)
TAG: Final = Kind(
    EventKind.TAG_READ,
    {
        "tag": values.tag,
        "tag_kind": values.one_of(vocabulary.TAG_KINDS),
        "antenna": _ordinal,
        "rssi_dbm": values.measure(-200, 50),
        "first_seen": values.moment_text,
        "last_seen": values.moment_text,
        "count": values.whole(1, 1_000_000),
        "battery_low": values.flag,
        "tamper": values.flag,
    },
    required=("tag",),
)
SENSOR: Final = Kind(
    EventKind.SENSOR,
    {
        **dict.fromkeys(vocabulary.SWITCHES, values.flag),
        "temperature_c": values.measure(-100, 1000),
        "humidity_percent": values.measure(0, 100),
        "battery_percent": values.measure(0, 100),
        "gas_percent_lel": values.measure(0, 100),
        "smoke_density": values.measure(0, 1_000_000),
        "liquid_level": values.measure(-100_000, 100_000),
        "illuminance_lux": values.measure(0, 1_000_000),
        "link_quality": values.measure(0, 255),
        "signal_dbm": values.measure(-200, 50),
        "voltage_mv": values.measure(0, 1_000_000),
    },
    any_of=vocabulary.SWITCHES | vocabulary.MEASURES,
)
CAMERA_EVENT: Final = Kind(
    EventKind.CAMERA_EVENT,
    {
        "type": values.one_of(vocabulary.CAMERA_EVENTS),
        "active": values.flag,
        "target": values.one_of(vocabulary.TARGETS),
        "region": _number,
        "channel": _ordinal,
        "confidence": values.measure(0, 100),
        "track": _number,
        "detail": values.label(128),
    },
    required=("type",),
)
HEARTBEAT: Final = Kind(
    EventKind.HEARTBEAT,
    {
        "uptime_s": values.whole(0, 10**10),
        "firmware": _number,
        "battery_percent": values.measure(0, 100),
        "signal_dbm": values.measure(-200, 50),
        "queued": values.whole(0, 10**9),
    },
)
KINDS: Final[dict[Any, Kind]] = {
    kind.event.value: kind for kind in (PASSAGE, DOOR, PLATE_READ, SENSOR, CAMERA_EVENT, HEARTBEAT)
}


def settle(event: EventKind, said: dict[str, Any]) -> str | None:
    """Normalise checked attributes in place; returns the subject a sighting is kept of."""
    if event is EventKind.PASSAGE:
        if "temperature_c" in said:
            said.update(body_temperature(said.pop("temperature_c")))
        person: str | None = said.get("person_no") or said.get("card_no")
        return person
    if event is EventKind.PLATE_READ:
        read = plate(said.get("plate"))
        said.update(read.attributes())
        return read.number
    if event is EventKind.CAMERA_EVENT:
        said.setdefault("active", True)
    return None
