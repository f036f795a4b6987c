"""Tag data of Zebra readers. The vendor calls the stream a statistic, not a log: reads may be missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.security.devices.observation import EventKind, Observation, Reason, Record
from integrations.devices import json_text, tags
from integrations.devices.fields import child, children, measured, text, whole
from integrations.devices.instants import either, iso, stamp
from integrations.devices.limits import RECORDS
from integrations.devices.push import Push, Refused

_TID: Final = ("TID", "tid", "tidHex")
_EPC: Final = ("idHex", "EPCid", "EPC", "epc")


def parse(push: Push) -> list[Record]:
    """The records of one event or an array of them, one per tag. Raises Refused when there is none."""
    value = json_text.load(json_text.as_utf8(push.body, push.content_type))
    records: list[Record] = []
    for event in value if isinstance(value, list) else [value]:
        records += _event(event, push.timezone)
        if len(records) > RECORDS:
            raise Refused(Reason.TOO_MANY, f"more than {RECORDS} reads")
    if not records:
        raise Refused(Reason.UNKNOWN_MESSAGE, "an array without events")
    return records


def _event(event: Any, zone: ZoneInfo) -> list[Record]:
    if not isinstance(event, dict):
        return [Refused(Reason.UNKNOWN_MESSAGE, "an event is a JSON object").rejection]
    at = either(event.get("timestamp"), zone)
    data = child(event, "data")
    if "tagData" in data:
        reads = children(data, "tagData")
        if not reads:
            return [Refused(Reason.MISSING_FIELD, "data.tagData: the reads").rejection]
        return [_read(read, at, zone) for read in reads]
    if (text(event.get("type")) or "").replace("_", "").lower() == "heartbeat":
        return [Observation(EventKind.HEARTBEAT, None, at, {})]
    if data:
        return [_read(data, at, zone)]
    return [Refused(Reason.UNKNOWN_MESSAGE, "data: tagData or one read").rejection]


def _read(read: dict[str, Any], at: datetime | None, zone: ZoneInfo) -> Record:
    tag, which = tags.tag_id(read, _TID, _EPC)
    if tag is None:
        return Refused(Reason.MISSING_FIELD, "idHex, EPCid, EPC or TID: the tag, in hexadecimal").rejection
    antenna = tags.antenna(read.get("antenna", read.get("antennaPort")))
    number = whole(read.get("eventNum"))
    seen_at = either(read.get("lastSeenTime", read.get("timestamp")), zone) or at
    count = whole(read.get("seenCount", read.get("reads")))
    attributes = {
        **which,
        **measured(
            antenna=antenna,
            rssi_dbm=tags.strength(read.get("peakRssi")),
            first_seen=iso(either(read.get("firstSeenTime"), zone)),
            last_seen=iso(seen_at),
            count=count if count and 0 < count <= 1_000_000 else None,
        ),
    }
    key = f"zebra.{tag}.{'-' if antenna is None else antenna}.{stamp(seen_at)}.{'-' if number is None else number}"
    return Observation(EventKind.TAG_READ, key, seen_at, attributes, subject=tag)
