"""UHF readers: Impinj's inventory events and Zebra's tag data."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson


def _zulu(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def impinj(at: datetime, tags: Sequence[str], *, antenna: int, rssi_cdbm: int) -> bytes:
    """The webhook's array of tagInventory events."""
    return orjson.dumps([_inventory(at, tag, antenna, rssi_cdbm) for tag in tags])


def _inventory(at: datetime, tag: str, antenna: int, rssi_cdbm: int) -> dict[str, Any]:
    return {
        "timestamp": _zulu(at),
        "eventType": "tagInventory",
        "tagInventoryEvent": {
            "tid": base64.urlsafe_b64encode(bytes.fromhex(tag)).decode().rstrip("="),
            "tidHex": tag,
            "antennaPort": antenna,
            "antennaName": f"Portal{antenna}",
            "peakRssiCdbm": rssi_cdbm,
            "lastSeenTime": _zulu(at),
        },
    }


def impinj_status(at: datetime) -> bytes:
    """The reader's word that its inventory runs."""
    return orjson.dumps(
        {
            "timestamp": _zulu(at),
            "eventType": "inventoryStatus",
            "inventoryStatusEvent": {"inventoryStatus": "running"},
        }
    )


def zebra(at: datetime, tags: Sequence[str], *, antenna: int, rssi: int, number: int) -> bytes:
    """The retention payload of an IoT Connector reader."""
    reads = [
        {"idHex": tag, "TID": tag, "antenna": antenna, "peakRssi": rssi, "seenCount": 3, "eventNum": number + n}
        for n, tag in enumerate(tags)
    ]
    return orjson.dumps({"type": "SIMPLE", "timestamp": _zulu(at), "data": {"tagData": reads}})


def zebra_heartbeat(at: datetime) -> bytes:
    """The management event of a reader that lives."""
    return orjson.dumps({"type": "heartbeat", "timestamp": _zulu(at), "data": {"radio_control": "running"}})
