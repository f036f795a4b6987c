"""From an observation to a row: its key's digest, its place in history, its JSON. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.identity.ports import Vault
from domain.security.devices.directory import DeviceRef
from domain.security.devices.observation import EventKind, Message, Observation, Rejection

# Beyond this a device's clock is not believed for the order of history (architecture 5, devices reference 9).
MOST_DRIFT = timedelta(minutes=2)
# Back-filled records older than this stand where they arrived: older months have no partition.
OLDEST = timedelta(days=390)


@dataclass(slots=True)
class Row:
    """One record on its way into the database.

    ``key``: 16-byte keyed digest (hex) of the vendor's key, None when the record has none. ``is_event``: becomes an
    event row by itself (tag reads are folded first, heartbeats only keep a device alive). ``stored``: set by the flush.
    ``state``: the observation's as it came; a flush narrows the observation's to what is new, and may be tried again.
    """

    device: DeviceRef
    observation: Observation
    received_at: datetime
    at: datetime
    late: bool
    clock_suspect: bool
    key: str | None
    is_event: bool
    event_id: int = 0
    raw_id: int = 0
    stored: bool = False
    state: dict[str, Any] | None = None


def digest(compound_id: int, device_id: int, key: str, vault: Vault) -> str:
    """The inbox key: 128 bits over the device and the vendor's key, hex. Keyed: a content is easily guessed."""
    return vault.digest("inbox.key", f"{compound_id}/{device_id}/{key}".encode("utf-8", "surrogatepass")).hex()


def place_in_history(occurred_at: datetime | None, received_at: datetime, *, late: bool) -> tuple[datetime, bool]:
    """Where an event stands in history, and whether its clock is suspect.

    The device's time when it can be believed: live within two minutes of ours, back-filled within thirteen months and
    not in the future. Otherwise the time of arrival.
    """
    if occurred_at is None:
        return received_at, False
    drift = received_at - occurred_at
    if -MOST_DRIFT <= drift <= (OLDEST if late else MOST_DRIFT):
        return occurred_at, False
    return received_at, True


def row_of(device: DeviceRef, observation: Observation, received_at: datetime, vault: Vault) -> Row:
    """The row of one observation. Heartbeats need no key: hearing one twice changes nothing."""
    at, suspect = place_in_history(observation.occurred_at, received_at, late=observation.late)
    key = observation.key
    if observation.kind is EventKind.HEARTBEAT:
        key = None
    elif key is None and (observation.state is None or observation.late):
        key = content_key(observation)
    return Row(
        device=device,
        observation=observation,
        received_at=received_at,
        at=at,
        late=observation.late,
        clock_suspect=suspect,
        key=None if key is None else digest(device.compound_id, device.id, key, vault),
        is_event=observation.kind not in (EventKind.TAG_READ, EventKind.HEARTBEAT),
        state=observation.state,
    )


def content_key(observation: Observation) -> str:
    """The key of a record whose vendor gives none: its content and the device's time."""
    said = observation.attributes | (observation.state or {})
    content = json.dumps(said, sort_keys=True, ensure_ascii=False, default=str)
    return f"content/{observation.kind}/{observation.occurred_at}/{observation.source}/{observation.subject}/{content}"


@dataclass(slots=True)
class Counts:
    """received = stored + duplicate + quarantined. ``late`` counts among the stored."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    late: int = 0


@dataclass(slots=True)
class Submission:
    """A message being recorded: its rows and rejections, and the counts it ends with."""

    device: DeviceRef
    message: Message
    channel: str
    received_at: datetime
    rows: list[Row]
    rejections: list[tuple[DeviceRef, Rejection]]
    counts: Counts
    raw_id: int = 0

    @property
    def size(self) -> int:
        """How many records it holds."""
        return len(self.rows) + len(self.rejections)
