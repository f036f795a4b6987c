"""What a device said, in the product's words: the one shape every vendor's parser makes and ingest takes.

Parsers (``integrations/devices/<vendor>/parse.py``) are pure: bytes in, observations and rejections out, in the order
of the message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What kind of thing was observed; attributes per kind are listed in docs/devices.md."""

    PASSAGE = "passage"
    DOOR = "door"
    PLATE_READ = "plate_read"
    TAG_READ = "tag_read"
    SENSOR = "sensor"
    CAMERA_EVENT = "camera_event"
    DEVICE_ALARM = "device_alarm"
    HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True)
class PicturePart:
    """A picture as sent: the sender's label ("Picture", "licensePlatePicture") and its bytes, not yet trusted."""

    label: str
    content: bytes


@dataclass(slots=True)
class Observation:
    """One record of a device.

    key: the vendor's own identity of the record, constant on retry; None when the vendor has none (then the property
        edge decides, or the content's digest does).
    occurred_at: the device's time (aware), or None when it sent none.
    late: back-filled; never opens a door, never raises a live alarm.
    source: the name a hub gives the device behind it; None when the sender itself observed.
    subject: normalised tag id, plate, card or person number that a sighting is kept of; None when there is none.
    attributes: JSON values, per kind (docs/devices.md).
    state: property -> value pairs for edge-detected sensors; a repeat of the known value is a duplicate.
    """

    kind: EventKind
    key: str | None
    occurred_at: datetime | None
    attributes: dict[str, Any]
    late: bool = False
    source: str | None = None
    subject: str | None = None
    serial: int | None = None
    previous_serial: int | None = None
    state: dict[str, Any] | None = None
    pictures: tuple[PicturePart, ...] = ()


class Reason(StrEnum):
    """Why a record is quarantined."""

    UNPARSEABLE = "unparseable"
    UNKNOWN_MESSAGE = "unknown_message"
    MISSING_FIELD = "missing_field"
    BAD_VALUE = "bad_value"
    UNKNOWN_SOURCE = "unknown_source"
    WRONG_DEVICE = "wrong_device"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that cannot become an event. The raw message is kept; ``detail`` explains without personal data."""

    reason: Reason
    detail: str


Record = Observation | Rejection


@dataclass(frozen=True, slots=True)
class Message:
    """One body as received: ``records`` were parsed from ``body``; an unparseable body is one Rejection."""

    body: bytes
    content_type: str
    records: tuple[Record, ...] = field(default=())
