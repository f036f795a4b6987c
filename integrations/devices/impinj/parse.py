"""Tag inventory events of Impinj readers. They carry no sequence: a read is known by tag, antenna and time."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.security.devices.observation import EventKind, Observation, Reason, Record
from integrations.devices import json_text, tags
from integrations.devices.fields import child, measured, text
from integrations.devices.instants import instant, iso
from integrations.devices.limits import RECORDS
from integrations.devices.push import Push, Refused

_TID: Final = ("tidHex", "base64:tid")
_EPC: Final = ("epcHex", "base64:epc")
_SIGNS_OF_LIFE: Final = frozenset({"inventoryStatus", "heartbeat", "keepAlive"})


def parse(push: Push) -> list[Record]:
    """The records of an array of events or of one. Raises Refused when it is neither."""
    value = json_text.load(json_text.as_utf8(push.body, push.content_type))
    events = value if isinstance(value, list) else [value]
    if not events or len(events) > RECORDS:
        raise Refused(Reason.TOO_MANY if events else Reason.UNKNOWN_MESSAGE, f"1 to {RECORDS} events")
    records: list[Record] = []
    for event in events:
        try:
            records.append(_record(event, push.timezone))
        except Refused as refused:
            records.append(refused.rejection)
    return records


def _record(event: Any, zone: ZoneInfo) -> Record:
    if not isinstance(event, dict):
        raise Refused(Reason.UNKNOWN_MESSAGE, "an event is a JSON object")
    sent_at = instant(event.get("timestamp"), zone)
    kind = text(event.get("eventType"))
    if kind in _SIGNS_OF_LIFE:
        return Observation(EventKind.HEARTBEAT, None, sent_at, {})
    read = child(event, "tagInventoryEvent")
    if kind != "tagInventory" and not read:
        raise Refused(Reason.UNKNOWN_MESSAGE, "eventType: tagInventory")
    tag, which = tags.tag_id(read, _TID, _EPC)
    if tag is None:
        raise Refused(Reason.MISSING_FIELD, "tidHex, tid, epcHex or epc: the tag")
    antenna = tags.antenna(read.get("antennaPort"))
    last_seen = instant(read.get("lastSeenTime"), zone)
    attributes = {
        **which,
        **measured(
            antenna=antenna,
            rssi_dbm=tags.strength(read.get("peakRssiCdbm"), per_dbm=100),
            first_seen=iso(instant(read.get("firstSeenTime"), zone)),
            last_seen=iso(last_seen),
        ),
    }
    # The text, not the instant: it holds nanoseconds, and a retry repeats it.
    at = text(event.get("timestamp")) or text(read.get("lastSeenTime")) or "-"
    key = f"impinj.{tag}.{'-' if antenna is None else antenna}.{at}"
    return Observation(EventKind.TAG_READ, key, last_seen or sent_at, attributes, subject=tag)
