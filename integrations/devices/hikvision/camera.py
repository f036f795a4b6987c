"""Events of cameras: analytics, alarm inputs, signs of life."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.security.devices.observation import EventKind, Observation
from integrations.devices.fields import child, children, measured, text, whole
from integrations.devices.hikvision.moments import is_late, when

_TYPES: Final = {
    "tossing": "thrown_object", "highaltitudetossing": "thrown_object",
    "fireescapedetection": "fire_lane_blocked", "parking": "parking", "illegalparking": "parking",
    "takingelevatordetection": "ebike_in_lift",
    "firedetection": "fire", "smokeandfiredetection": "fire", "smokedetection": "smoke",
    "fielddetection": "intrusion", "linedetection": "line_crossing", "regionentrance": "region_entry",
    "regionexiting": "region_exit", "loitering": "loitering", "retention": "loitering", "group": "crowd",
    "groupdetection": "crowd", "unattendedbaggage": "unattended_object", "attendedbaggage": "object_removed",
    "falldown": "fall", "violentmotion": "fight", "vmd": "motion", "pir": "motion", "facedetection": "face",
    "io": "alarm_input", "shelteralarm": "tamper", "tamperdetection": "tamper", "scenechangedetection": "tamper",
    "videoloss": "video_loss",
}  # fmt: skip
_TARGETS: Final = {
    "human": "human", "vehicle": "vehicle", "electricbicycle": "ebike", "electricmoped": "ebike", "animal": "animal"
}  # fmt: skip


def event(node: dict[str, Any], name: str, zone: ZoneInfo) -> Observation:
    """The observation of a camera's event; ``name`` is its eventType.

    A heartbeat looks like an event: heartBeat, or videoloss that is inactive on older cameras.
    """
    occurred_at, stamped, flags = when(zone, node.get("dateTime"))
    active = (text(node.get("eventState")) or "active").lower() != "inactive"
    said = name.lower()
    if said == "heartbeat" or (said == "videoloss" and not active):
        return Observation(EventKind.HEARTBEAT, None, occurred_at, flags)
    region = _region(node)
    known = _TYPES.get(said, "other")
    channel = whole(node.get("channelID", node.get("dynChannelID")))
    port = whole(node.get("inputIOPortID"))
    attributes = {
        "type": known,
        "active": active,
        **measured(
            vendor_type=name if known == "other" else None,
            target=_target(region, node),
            region=text(region.get("regionID")),
            channel=channel,
            input=port,
        ),
        **flags,
    }
    place = port if port is not None else text(region.get("regionID"))
    key = f"{said}.{channel}.{place or '-'}.{'on' if active else 'off'}.{stamped}"
    return Observation(
        EventKind.CAMERA_EVENT, key if stamped != "-" else None, occurred_at, attributes, late=is_late(node)
    )


def _region(node: dict[str, Any]) -> dict[str, Any]:
    """The first region of the event, in the XML's and in the JSON's shape."""
    listed = child(node, "DetectionRegionList")
    entries = children(listed, "DetectionRegionEntry") or children(node, "DetectionRegionList")
    return entries[0] if entries else {}


def _target(region: dict[str, Any], node: dict[str, Any]) -> str | None:
    said = text(region.get("detectionTarget")) or text(node.get("detectionTarget"))
    if said is None or said.lower() in ("unknown", "none"):
        return None
    return _TARGETS.get(said.lower(), "other")
