"""Instant rules: what each observation raises and clears."""

from __future__ import annotations

from typing import Any

import pytest

from domain.security.alerts.models import AlertKind, Severity
from domain.security.alerts.rules import HAZARDS, Clear, Raise, judge
from domain.security.devices.observation import EventKind
from tests.unit.security.made import device, seen

SENSOR, ALARM, DOOR = EventKind.SENSOR, EventKind.DEVICE_ALARM, EventKind.DOOR
PASSAGE, CAMERA = EventKind.PASSAGE, EventKind.CAMERA_EVENT

RAISED = [
    (SENSOR, {"smoke": True}, {}, [("smoke", "critical")]),
    (SENSOR, {"gas": True, "water_leak": True}, {}, [("gas", "critical"), ("water_leak", "major")]),
    (SENSOR, {"tamper": True}, {}, [("tamper", "warning")]),
    (SENSOR, {"duress": True}, {}, [("duress", "critical")]),
    (SENSOR, {"fire": True}, {}, [("fire", "critical")]),
    (SENSOR, {"smoke": None, "contact": False, "temperature_c": 61.0}, {}, []),
    (SENSOR, {"smoke": 1}, {}, []),
    (SENSOR, {"alarm": True}, {"kind": "smoke"}, [("smoke", "critical")]),
    (SENSOR, {"alarm": True}, {"kind": "contact"}, []),
    (ALARM, {"alarm": "fire", "active": True}, {}, [("fire", "critical")]),
    (ALARM, {"alarm": "panic"}, {}, [("duress", "critical")]),
    (ALARM, {"alarm": "forced_passage", "code": "5-87"}, {}, [("door_forced", "major")]),
    (ALARM, {"alarm": "climb_over"}, {}, [("door_forced", "major")]),
    (ALARM, {"alarm": "power"}, {}, []),
    (ALARM, {}, {}, []),
    (DOOR, {"state": "forced"}, {}, [("door_forced", "major")]),
    (DOOR, {"state": "held_open"}, {}, [("door_held_open", "warning")]),
    (DOOR, {"state": "opened"}, {}, []),
    (PASSAGE, {"decision": "granted", "temperature_c": 39.0, "health_code": "red"}, {}, []),
    (PASSAGE, {"decision": "granted", "duress": True}, {}, [("duress", "critical")]),
    (PASSAGE, {"decision": "refused", "temperature_c": 37.3}, {}, [("body_temperature", "warning")]),
    (PASSAGE, {"decision": "refused", "temperature_c": 37.2}, {}, []),
    (PASSAGE, {"decision": "refused", "reason": "temperature"}, {}, [("body_temperature", "warning")]),
    (PASSAGE, {"decision": "refused", "health_code": "yellow"}, {}, [("health_code", "warning")]),
    (PASSAGE, {"decision": "refused", "health_code": "red"}, {}, [("health_code", "major")]),
    (PASSAGE, {"decision": "refused", "reason": "health_code"}, {}, [("health_code", "warning")]),
    (
        PASSAGE,
        {"decision": "refused", "temperature_c": 38, "health_code": "red", "duress": True},
        {},
        [("duress", "critical"), ("body_temperature", "warning"), ("health_code", "major")],
    ),
    (CAMERA, {"type": "thrown_object"}, {}, [("thrown_object", "major")]),
    (CAMERA, {"type": "thrown_object", "active": False}, {}, []),
    (CAMERA, {"type": "fire_lane_blocked"}, {}, [("fire_lane_blocked", "major")]),
    (CAMERA, {"type": "parking"}, {"zone": "fire_lane"}, [("fire_lane_blocked", "major")]),
    (CAMERA, {"type": "parking"}, {"zone": "gate"}, []),
    (CAMERA, {"type": "smoke"}, {}, [("smoke", "critical")]),
    (CAMERA, {"type": "smoke_and_fire"}, {}, [("fire", "critical")]),
    (CAMERA, {"type": "duress"}, {}, []),
    (CAMERA, {"type": "loitering"}, {}, []),
    (EventKind.PLATE_READ, {"plate": "A"}, {}, []),
    (EventKind.HEARTBEAT, {}, {}, []),
    (EventKind.TAG_READ, {"tag": "AB"}, {}, []),
]


@pytest.mark.parametrize(("kind", "said", "where", "expected"), RAISED)
def test_what_raises(kind: EventKind, said: dict[str, Any], where: dict[str, str], expected: list[Any]) -> None:
    findings = [f for f in judge(seen(kind, said), device(**where)) if isinstance(f, Raise)]
    assert [(str(f.kind), str(f.severity)) for f in findings] == expected
    assert all(f.audience and f.because and len(f.words) == 2 for f in findings)


CLEARED = [
    (SENSOR, {"smoke": False}, {}, ["smoke"]),
    (SENSOR, {"smoke": False, "gas": False, "contact": True}, {}, ["smoke", "gas"]),
    (ALARM, {"alarm": "tamper", "active": False}, {}, ["tamper"]),
    (ALARM, {"alarm": "panic", "active": False}, {}, ["duress"]),
    (DOOR, {"state": "closed"}, {}, ["door_forced", "door_held_open"]),
    (CAMERA, {"type": "fire_lane_blocked", "active": False}, {}, ["fire_lane_blocked"]),
    (CAMERA, {"type": "fire", "active": False}, {}, ["fire"]),
    (CAMERA, {"type": "parking", "active": False}, {"zone": "fire_lane"}, ["fire_lane_blocked"]),
]


@pytest.mark.parametrize(("kind", "said", "where", "expected"), CLEARED)
def test_what_clears(kind: EventKind, said: dict[str, Any], where: dict[str, str], expected: list[str]) -> None:
    findings = judge(seen(kind, said), device(**where))
    assert [str(f.kind) for f in findings if isinstance(f, Clear)] == expected
    assert len(findings) == len(expected)


@pytest.mark.parametrize(("kind", "said", "where", "expected"), RAISED + CLEARED)
def test_a_late_record_means_nothing_now(kind: EventKind, said: dict[str, Any], where: Any, expected: Any) -> None:
    del expected
    assert judge(seen(kind, said, late=True), device(**where)) == []


def test_a_sensors_state_is_judged_by_what_is_new() -> None:
    observation = seen(SENSOR, {"smoke": True, "gas": True}, state={"gas": True})
    assert [f.kind for f in judge(observation, device())] == [AlertKind.GAS]


def test_fire_smoke_and_gas_are_told_to_everybody_concerned() -> None:
    for name in ("fire", "smoke", "gas"):
        assert HAZARDS[name].audience == ("home", "staff", "police")
    assert [severity.rank for severity in Severity] == [1, 2, 3, 4]
