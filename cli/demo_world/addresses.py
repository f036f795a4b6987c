"""Where a device of the demo sends its messages, and as whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.secrets import Secret

_MAIN: Final = {
    DeviceKind.GATE: "passage",
    DeviceKind.BARRIER_CAMERA: "plate_read",
    DeviceKind.CAMERA: "camera_event",
    DeviceKind.RFID_READER: "tag_read",
}
_FURTHER: Final = {
    DeviceKind.GATE: ("door",),
    DeviceKind.CAMERA: ("plate_read",),
}
_REST: Final = {
    Vendor.HIKVISION: "event",
    Vendor.IMPINJ: "events",
    Vendor.ZEBRA: "tags",
    Vendor.CTWING: "v1/up/ad19prof",
    Vendor.THINGSBOARD: "v1/devices/me/telemetry",
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who sends: the device itself, or the hub it hangs on (``number``), which calls it ``external_id``."""

    number: int
    compound_id: int
    vendor: str
    kind: str
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Address:
    """``push_url`` takes Zhian's contract with the credential as Bearer token, and vendors' messages as they are.

    ``path_url`` takes both without a header. ``mqtt_topics``: the main one first.
    """

    number: int
    credential: str | None
    push_url: str
    path_url: str
    mqtt_topics: tuple[str, ...]


def address_of(speaker: Speaker, secrets: Mapping[int, Secret], public_url: str) -> Address:
    """The speaker's address. Without a secret (its file is lost, or it was added later) URLs end before it."""
    base = public_url.rstrip("/")
    secret = secrets.get(speaker.number)
    path = f"{base}/devices/{speaker.vendor}/{speaker.number}/{secret.path_secret or '' if secret else ''}"
    prefix = f"c/{speaker.compound_id}/d/{speaker.number}/"
    return Address(
        number=speaker.number,
        credential=secret.credential if secret else None,
        push_url=f"{base}/devices/events" if speaker.vendor == Vendor.ZHIAN else path,
        path_url=path,
        mqtt_topics=tuple(prefix + message for message in _messages(speaker)),
    )


def _messages(speaker: Speaker) -> tuple[str, ...]:
    vendor, kind = Vendor(speaker.vendor), DeviceKind(speaker.kind)
    if vendor is Vendor.ZHIAN:
        return (_MAIN.get(kind, "sensor"), *_FURTHER.get(kind, ()), "heartbeat")
    name = speaker.external_id or f"{kind}{speaker.number}"
    if vendor is Vendor.ZIGBEE2MQTT:
        return (f"zigbee2mqtt/{'bridge/state' if kind is DeviceKind.GATEWAY else name}",)
    if vendor is Vendor.TASMOTA:
        return ("tasmota/tele/bridge/SENSOR",)
    if vendor is Vendor.THINGSBOARD and (kind is DeviceKind.GATEWAY or speaker.external_id):
        return ("thingsboard/v1/gateway/telemetry",)
    return (f"{vendor}/{_REST[vendor]}",)
