"""Plate reads: ANPR pushes and the records of a plate search."""

from __future__ import annotations

import re
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.security.devices.observation import EventKind, Observation, Reason, Record
from integrations.devices.fields import child, children, measured, number, text, whole
from integrations.devices.hikvision.moments import is_late, when
from integrations.devices.limits import RECORDS
from integrations.devices.plates import Plate, plate
from integrations.devices.push import Refused

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}")
_COLORS: Final = {
    "blue": "blue", "yellow": "yellow", "white": "white", "black": "black", "green": "green", "red": "red",
    "newenergyyellowgreen": "yellow_green", "yellowgreen": "yellow_green", "newenergygreen": "green",
    "civilaviationblack": "black", "civilaviationgreen": "green", "mixedcolor": "other", "other": "other",
}  # fmt: skip
_VEHICLES: Final = {
    "vehicle": "car", "car": "car", "saloon": "car", "smallcar": "car", "suvmpv": "suv", "suv": "suv", "mpv": "suv",
    "van": "van", "minibus": "van", "buggy": "truck", "truck": "truck", "largetruck": "truck",
    "pickuptruck": "truck", "bus": "bus", "largebus": "bus", "mediumbus": "bus", "coaster": "bus",
    "twowheelvehicle": "two_wheeler", "motorcycle": "two_wheeler", "threewheelvehicle": "three_wheeler",
}  # fmt: skip
_LISTS: Final = {
    "allowlist": "allow", "whitelist": "allow", "blocklist": "block", "blacklist": "block",
    "temporary": "temporary", "temporarylist": "temporary",
}  # fmt: skip
_MOVEMENTS: Final = ("forward", "reverse")


def push(node: dict[str, Any], zone: ZoneInfo) -> Observation:
    """The observation of one pushed plate read.

    ``movement`` is relative to the camera (forward: towards it), so ``direction`` is left to the device's registration.
    """
    event = child(node, "ANPR")
    read = plate(event.get("licensePlate"))
    if read.number is None and not read.encrypted:
        original = plate(event.get("originalLicensePlate"))
        read = original if original.number else read
    occurred_at, stamped, flags = when(zone, node.get("dateTime"), event.get("dateTime"))
    movement = text(event.get("direction"))
    attributes = {
        **read.attributes(),
        **measured(
            plate_color=_word(_COLORS, event.get("plateColor")),
            confidence=number(event.get("confidenceLevel")),
            movement=movement if movement in _MOVEMENTS else None,
            lane=whole(event.get("line")),
            vehicle_type=_word(_VEHICLES, event.get("vehicleType")),
            list=_word(_LISTS, event.get("listType") or event.get("vehicleListName")),
            channel=whole(node.get("channelID")),
        ),
        **flags,
    }
    return Observation(
        EventKind.PLATE_READ,
        _key(text(node.get("UUID")), attributes.get("channel"), stamped, read),
        occurred_at,
        attributes,
        late=is_late(node, event),
        subject=read.number,
    )


def search(node: dict[str, Any], zone: ZoneInfo) -> list[Record]:
    """The records of a plate search: late, keyed by the camera's picture name (more than 64 bits, so text)."""
    items = children(node, "Plate")
    if len(items) > RECORDS:
        raise Refused(Reason.TOO_MANY, f"more than {RECORDS} records")
    if not items:
        raise Refused(Reason.UNKNOWN_MESSAGE, "a search reply without records")
    records: list[Record] = []
    for item in items:
        read = plate(item.get("plateNumber"))
        occurred_at, stamped, flags = when(zone, item.get("captureTime"))
        picture = text(item.get("picName"))
        attributes = {**read.attributes(), **measured(lane=whole(item.get("laneNo"))), **flags}
        key = f"plate.{picture}" if picture else _key(None, attributes.get("lane"), stamped, read)
        records.append(Observation(EventKind.PLATE_READ, key, occurred_at, attributes, late=True, subject=read.number))
    return records


def _key(uuid: str | None, channel: object, stamped: str, read: Plate) -> str:
    """The camera's UUID when it is one (some firmware sends "x"), else channel, time and plate."""
    if uuid and _UUID.fullmatch(uuid) and uuid.strip("0-"):
        return f"anpr.{uuid.lower()}"
    return f"anpr.{'-' if channel is None else channel}.{stamped}.{read.number or read.raw or '-'}"


def _word(table: dict[str, str], value: object) -> str | None:
    """Our word for the vendor's; "other" for one we do not know, None for "unknown" or nothing."""
    said = (text(value) or "unknown").lower()
    return None if said in ("unknown", "none", "nocolor") else table.get(said, "other")
