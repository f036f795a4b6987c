"""What the access controllers' event codes mean (major and minor numbers of the vendor's public tables).

A code that is not here is still an event, of the nearest kind and without consequence: see ``meaning``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from domain.security.devices.observation import EventKind

ALARM, EXCEPTION, OPERATION, EVENT = 1, 2, 3, 5


@dataclass(frozen=True, slots=True)
class Meaning:
    """The kind of event a code stands for and the attributes it alone gives."""

    kind: EventKind
    attributes: dict[str, Any]


_GRANTED: Final = {
    0x01: "card", 0x02: "card", 0x10: "combined", 0x22: "password", 0x26: "fingerprint", 0x28: "combined",
    0x2B: "combined", 0x2E: "combined", 0x36: "combined", 0x39: "combined", 0x3C: "combined", 0x3F: "combined",
    0x42: "combined", 0x45: "fingerprint", 0x48: "combined", 0x4B: "face", 0x4D: "face", 0x65: "password",
    0x69: "id_card", 0x99: "combined", 0x9C: "qr", 0x9F: "bluetooth", 0xB3: "password", 0xB5: "password",
    0xDA: "other",
}  # fmt: skip
_REFUSED: Final = {
    0x03: ("card", "wrong_credential"), 0x04: ("card", "timeout"), 0x05: ("card", "timeout"),
    0x06: ("card", "no_right"), 0x07: ("card", "wrong_time"), 0x08: ("card", "expired"),
    0x09: ("card", "unknown_card"), 0x0A: ("card", "anti_passback"), 0x0B: ("card", "interlock"),
    0x0C: ("card", "multi_person"), 0x0D: ("card", "multi_person"), 0x0E: ("card", "multi_person"),
    0x0F: ("card", "multi_person"), 0x21: ("combined", "remote_check"), 0x23: ("combined", "multi_person"),
    0x24: ("combined", "timeout"), 0x27: ("fingerprint", "unknown_person"), 0x29: ("combined", "wrong_credential"),
    0x2A: ("combined", "timeout"), 0x2C: ("combined", "wrong_credential"), 0x2D: ("combined", "timeout"),
    0x2F: ("combined", "wrong_credential"), 0x30: ("combined", "timeout"),
    0x31: ("fingerprint", "unknown_person"), 0x37: ("combined", "wrong_credential"), 0x38: ("combined", "timeout"),
    0x3A: ("combined", "wrong_credential"), 0x3B: ("combined", "timeout"), 0x3D: ("combined", "wrong_credential"),
    0x3E: ("combined", "timeout"), 0x40: ("combined", "wrong_credential"), 0x41: ("combined", "timeout"),
    0x43: ("combined", "wrong_credential"), 0x44: ("combined", "timeout"),
    0x46: ("fingerprint", "wrong_credential"), 0x47: ("fingerprint", "timeout"),
    0x49: ("combined", "wrong_credential"), 0x4A: ("combined", "timeout"), 0x4C: ("face", "unknown_person"),
    0x4E: ("face", "wrong_credential"), 0x4F: ("face", "timeout"), 0x50: ("face", "unknown_person"),
    0x5E: ("card", "no_right"), 0x66: ("password", "wrong_credential"), 0x67: ("password", "timeout"),
    0x68: ("face", "liveness"), 0x70: ("id_card", "wrong_credential"), 0x71: ("id_card", "blocklist"),
    0x75: ("other", "door_locked"), 0x76: ("other", "wrong_time"), 0x77: ("card", "wrong_credential"),
    0x78: ("card", "anti_passback"), 0x82: ("button", "door_locked"), 0x84: ("other", "door_locked"),
    0x8B: ("other", "other"), 0x97: ("password", "wrong_credential"), 0x98: ("other", "unknown_person"),
    0x9A: ("combined", "timeout"), 0x9B: ("other", "not_enabled"), 0x9D: ("qr", "wrong_credential"),
    0xA0: ("bluetooth", "wrong_credential"), 0xA2: ("card", "wrong_credential"),
    0xA3: ("card", "wrong_credential"), 0xA4: ("card", "not_enabled"), 0xA8: ("card", "not_enabled"),
    0xA9: ("card", "not_enabled"), 0xAA: ("card", "not_enabled"), 0xAB: ("id_card", "not_enabled"),
    0xB4: ("password", "wrong_credential"), 0xD0: ("face", "mask_or_temperature"),
}  # fmt: skip
_DOORS: Final = {
    (EVENT, 0x11): ("kept_open", "card"), (EVENT, 0x12): ("released", "card"),
    (EVENT, 0x13): ("kept_open", None), (EVENT, 0x14): ("released", None),
    (EVENT, 0x15): ("unlocked", None), (EVENT, 0x16): ("locked", None),
    (EVENT, 0x17): ("other", "button"), (EVENT, 0x18): ("other", "button"),
    (EVENT, 0x19): ("opened", None), (EVENT, 0x1A): ("closed", None),
    (EVENT, 0x1B): ("forced", None), (EVENT, 0x1C): ("held_open", None),
    (EVENT, 0x1F): ("kept_closed", None), (EVENT, 0x20): ("released", None),
    (OPERATION, 0x400): ("unlocked", "remote"), (OPERATION, 0x401): ("locked", "remote"),
    (OPERATION, 0x402): ("kept_open", "remote"), (OPERATION, 0x403): ("kept_closed", "remote"),
    (OPERATION, 0x41C): ("locked", "remote"), (OPERATION, 0x41D): ("unlocked", "remote"),
    (OPERATION, 0x41E): ("kept_open", "remote"),
}  # fmt: skip
# (begins, ends) pairs; an end of 0 is an alarm that the device never takes back.
_ALARMS: Final = {
    "input": [(0x400, 0x403), (0x401, 0), (0x402, 0), (0x408, 0x409)],
    "tamper": [(0x404, 0x405), (0x406, 0x407), (0x40F, 0x410), (0x41E, 0x41F), (0x422, 0x423)],
    "duress": [(0x40A, 0)],
    "storage": [(0x40B, 0), (0x40D, 0), (0x442, 0)],
    "too_many_failures": [(0x40C, 0)],
    "fire": [(0x415, 0x417), (0x416, 0), (0x418, 0x419), (0x424, 0x425)],
    "panic": [(0x41C, 0x41D)],
}
_GATE_ALARMS: Final = {
    "fire": [(0x34, 0x35)], "tailgating": [(0x85, 0)], "reverse_passage": [(0x86, 0)],
    "forced_passage": [(0x87, 0)], "climb_over": [(0x88, 0)], "intrusion": [(0x8A, 0)],
    "fault": [(0x8C, 0x8D), *((code, 0) for code in range(0x53, 0x5E))], "other": [(0x1D, 0x1E), (0x89, 0)],
}  # fmt: skip
_EXCEPTIONS: Final = {
    "power": [(0x401, 0x400), (0x403, 0x404), (0x405, 0x406), (0x411, 0x412)],
    "fault": [
        (0x27, 0x407), (0x3A, 0x3B), (0x409, 0x40A), (0x40B, 0x40C), (0x40D, 0x40E), (0x40F, 0x410),
        (0x413, 0x414), (0x415, 0x416), (0x417, 0x418), (0x419, 0x41A), (0x41C, 0x41B), (0x41D, 0x41E),
        (0x41F, 0x420), (0x421, 0x422), (0x423, 0x424), (0x427, 0x426), (0x42A, 0x42B), (0x42D, 0x42E),
        (0x430, 0x431), (0x432, 0x433), (0x434, 0x435), (0x437, 0x436), (0x439, 0x438), (0x43C, 0x43D),
        (0x43E, 0x43F), (0x440, 0x441), (0x44E, 0x44D),
    ],
}  # fmt: skip


def _table() -> dict[tuple[int, int], Meaning]:
    passage, door, alarm = EventKind.PASSAGE, EventKind.DOOR, EventKind.DEVICE_ALARM
    table: dict[tuple[int, int], Meaning] = {}
    for code, method in _GRANTED.items():
        table[EVENT, code] = Meaning(passage, {"decision": "granted", "method": method})
    for code, (method, reason) in _REFUSED.items():
        table[EVENT, code] = Meaning(passage, {"decision": "refused", "method": method, "reason": reason})
    for pair, (state, by) in _DOORS.items():
        table[pair] = Meaning(door, {"state": state, "method": by} if by else {"state": state})
    for major, groups in ((ALARM, _ALARMS), (EVENT, _GATE_ALARMS), (EXCEPTION, _EXCEPTIONS)):
        for name, pairs in groups.items():
            for begins, ends in pairs:
                table[major, begins] = Meaning(alarm, {"alarm": name, "active": True})
                if ends:
                    table[major, ends] = Meaning(alarm, {"alarm": name, "active": False})
    return table


TABLE: Final = _table()


def meaning(major: int, minor: int) -> Meaning:
    """What a code means. An unknown one raises nothing and opens nothing:

    alarms are "other", exceptions "fault", operations "operation" of the device; anything else is a door's "other".
    """
    known = TABLE.get((major, minor))
    if known:
        return known
    alarm = {ALARM: "other", EXCEPTION: "fault", OPERATION: "operation"}.get(major)
    if alarm:
        return Meaning(EventKind.DEVICE_ALARM, {"alarm": alarm, "active": True})
    return Meaning(EventKind.DOOR, {"state": "other"})
