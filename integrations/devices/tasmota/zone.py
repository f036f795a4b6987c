"""The Zigbee IAS zone status (ZCL 8.2): what its bits and its zone types say."""

from __future__ import annotations

from typing import Any, Final

from integrations.devices.fields import truth, whole

_ALARM_1, _ALARM_2, _TAMPER, _BATTERY_LOW = 0x01, 0x02, 0x04, 0x08
_ZONE_TYPES: Final = {
    0x000D: "occupancy", 0x0015: "contact", 0x0028: "smoke", 0x002A: "water_leak", 0x002B: "gas",
    0x002C: "duress", 0x002D: "vibration", 0x010F: "duress", 0x0115: "duress",
}  # fmt: skip
_NAMED: Final = {
    "Water": "water_leak", "Smoke": "smoke", "Fire": "smoke", "Gas": "gas", "CO": "gas", "Contact": "contact",
    "Occupancy": "occupancy", "Vibration": "vibration", "Panic": "duress",
}  # fmt: skip
_NOTIFICATION: Final = "0500<00"


def status(report: dict[str, Any]) -> int | None:
    """The zone status of a report: named, or the first two bytes of the raw notification, low byte first."""
    named = whole(report.get("ZoneStatusChange", report.get("ZoneStatus")))
    if named is not None:
        return named
    raw = report.get(_NOTIFICATION)
    if isinstance(raw, str) and len(raw) >= 4:
        try:
            return int.from_bytes(bytes.fromhex(raw[:4]), "little")
        except ValueError:
            return None
    return None


def switches(report: dict[str, Any]) -> dict[str, bool]:
    """What a report says of the sensor's switches.

    ``alarm`` is the zone's alarm whatever it senses; the sensed thing stands beside it when the report names it. A
    named value such as ``Water: 0`` without a zone status is sent periodically during an alarm, so it sets and never
    clears. Contact is true when closed; a contact zone alarms when it opens.
    """
    sensed = {ours: truth(report[theirs]) for theirs, ours in _NAMED.items() if theirs in report}
    kind = _ZONE_TYPES.get(whole(report.get("ZoneType")) or -1)
    bits = status(report)
    if bits is None:
        return {name: name != "contact" for name, value in sensed.items() if value}
    alarm = bool(bits & (_ALARM_1 | _ALARM_2))
    said = {"alarm": alarm, "tamper": bool(bits & _TAMPER), "battery_low": bool(bits & _BATTERY_LOW)}
    for name in {*sensed, *([kind] if kind else [])}:
        said[name] = not alarm if name == "contact" else alarm
    return said
