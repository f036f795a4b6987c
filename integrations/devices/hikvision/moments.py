"""Times and lateness of an ISAPI event."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrations.devices.fields import text, truth, whole
from integrations.devices.instants import instant, stamp


def when(zone: ZoneInfo, *candidates: object) -> tuple[datetime | None, str, dict[str, Any]]:
    """The first time that was sent: as an instant, as a key's part, and the flag that it could not be read."""
    for candidate in candidates:
        said = text(candidate)
        if said is not None:
            moment = instant(said, zone)
            return moment, stamp(moment) if moment else said, {} if moment else {"time_rejected": True}
    return None, "-", {}


def is_late(*nodes: dict[str, Any]) -> bool:
    """Whether the device says that it sends the event again or after the fact."""
    return any(
        truth(node.get("isDataRetransmission")) is True
        or whole(node.get("alarmDataType")) == 1
        or truth(node.get("currentEvent")) is False
        for node in nodes
    )
