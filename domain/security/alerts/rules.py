"""Instant rules: which observations raise or clear an alert, and why. Pure.

Each rule looks at one fresh, live observation and answers with findings. A finding explains itself: the values that
made it fire, and words (zh-CN, en) for those who read the alert.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.security.alerts.models import AlertKind, Severity
from domain.security.devices.directory import DeviceRef
from domain.security.devices.observation import EventKind, Observation

HOME, STAFF, POLICE = "home", "staff", "police"

FEVER_C = 37.3
"""Refusal at and above this body temperature (county practice, 2020)."""


@dataclass(frozen=True, slots=True)
class Raise:
    """Open an alert, or raise the severity of the open one."""

    kind: AlertKind
    severity: Severity
    audience: tuple[str, ...]
    because: dict[str, Any]
    words: tuple[str, str]
    source: str | None = None
    home_id: int | None = None


@dataclass(frozen=True, slots=True)
class Clear:
    """The cause is gone: clear the open alert of this kind."""

    kind: AlertKind
    because: str
    source: str | None = None


Finding = Raise | Clear
Rule = Callable[[Observation, DeviceRef], list[Finding]]


@dataclass(frozen=True, slots=True)
class Hazard:
    """How a sensor property maps to an alert: raised while true (``danger``), cleared when it ends."""

    kind: AlertKind
    severity: Severity
    audience: tuple[str, ...]
    words: tuple[str, str]
    danger: bool = True


HAZARDS: dict[str, Hazard] = {
    "fire": Hazard(AlertKind.FIRE, Severity.CRITICAL, (HOME, STAFF, POLICE), ("火灾报警", "Fire alarm")),
    "smoke": Hazard(AlertKind.SMOKE, Severity.CRITICAL, (HOME, STAFF, POLICE), ("烟雾报警", "Smoke detected")),
    "gas": Hazard(AlertKind.GAS, Severity.CRITICAL, (HOME, STAFF, POLICE), ("燃气泄漏", "Gas leak detected")),
    "water_leak": Hazard(AlertKind.WATER_LEAK, Severity.MAJOR, (HOME, STAFF), ("漏水报警", "Water leak detected")),
    "tamper": Hazard(AlertKind.TAMPER, Severity.WARNING, (HOME, STAFF), ("设备被拆动", "Device tampered with")),
    "duress": Hazard(AlertKind.DURESS, Severity.CRITICAL, (STAFF, POLICE), ("胁迫报警", "Duress signal")),
}


def sensor(observation: Observation, device: DeviceRef) -> list[Finding]:
    """Fire, smoke, gas, water leak, tamper and duress of sensors."""
    values = observation.state if observation.state is not None else observation.attributes
    findings: list[Finding] = []
    for name, hazard in HAZARDS.items():
        value = values.get(name)
        if value is None and name == device.kind:
            value = values.get("alarm")  # an alarm that does not name what it senses: the device's kind does
        if value is True:
            findings.append(
                Raise(hazard.kind, hazard.severity, hazard.audience, {"property": name, "value": True}, hazard.words)
            )
        elif value is False:
            findings.append(Clear(hazard.kind, f"{name}=false"))
    return findings


DEVICE_ALARMS = {"fire": "fire", "tamper": "tamper", "duress": "duress", "panic": "duress"}


def device_alarm(observation: Observation, device: DeviceRef) -> list[Finding]:
    """Alarms a gate or controller raises by itself: tamper, duress card, fire input, a passage forced open."""
    if observation.attributes.get("alarm") in ("forced_passage", "climb_over"):
        because = {"alarm": observation.attributes["alarm"], "code": observation.attributes.get("code")}
        words = ("通道被强行闯入", "Passage forced")
        return [Raise(AlertKind.DOOR_FORCED, Severity.MAJOR, (STAFF, POLICE), because, words)]
    hazard = HAZARDS.get(DEVICE_ALARMS.get(str(observation.attributes.get("alarm")), ""))
    if hazard is None:
        return []
    if observation.attributes.get("active") is False:
        return [Clear(hazard.kind, f"{observation.attributes['alarm']} ended")]
    because = {"alarm": observation.attributes.get("alarm"), "code": observation.attributes.get("code")}
    return [Raise(hazard.kind, hazard.severity, hazard.audience, because, hazard.words)]


def door(observation: Observation, device: DeviceRef) -> list[Finding]:
    """Forced and long-open doors; closing the door ends both."""
    state = observation.attributes.get("state")
    if state == "forced":
        words = ("门被强行打开", "Door forced open")
        return [Raise(AlertKind.DOOR_FORCED, Severity.MAJOR, (STAFF, POLICE), {"state": state}, words)]
    if state == "held_open":
        words = ("门长时间未关", "Door held open")
        return [Raise(AlertKind.DOOR_HELD_OPEN, Severity.WARNING, (STAFF,), {"state": state}, words)]
    if state == "closed":
        return [Clear(AlertKind.DOOR_FORCED, "closed"), Clear(AlertKind.DOOR_HELD_OPEN, "closed")]
    return []


def passage(observation: Observation, device: DeviceRef) -> list[Finding]:
    """A refusal for body temperature or health code, and a duress card or finger."""
    values = observation.attributes
    findings: list[Finding] = []
    if values.get("duress") is True:
        hazard = HAZARDS["duress"]
        findings.append(Raise(hazard.kind, hazard.severity, hazard.audience, {"duress": True}, hazard.words))
    if values.get("decision") != "refused":
        return findings
    temperature, code = values.get("temperature_c"), values.get("health_code")
    hot = isinstance(temperature, (int, float)) and temperature >= FEVER_C
    if hot or values.get("temperature_abnormal") is True or values.get("reason") == "temperature":
        because = {"decision": "refused", "temperature_c": temperature, "limit_c": FEVER_C}
        words = ("体温异常被拒绝通行", "Refused for body temperature")
        findings.append(Raise(AlertKind.BODY_TEMPERATURE, Severity.WARNING, (STAFF,), because, words))
    if code in ("yellow", "red") or values.get("reason") == "health_code":
        words = ("健康码异常被拒绝通行", "Refused for health code")
        severity = Severity.MAJOR if code == "red" else Severity.WARNING
        because = {"decision": "refused", "health_code": code}
        findings.append(Raise(AlertKind.HEALTH_CODE, severity, (STAFF,), because, words))
    return findings


def camera(observation: Observation, device: DeviceRef) -> list[Finding]:
    """Thrown objects, blocked fire lanes, fire and smoke seen by cameras."""
    what, active = observation.attributes.get("type"), observation.attributes.get("active") is not False
    because = {"type": what, "zone": device.zone}
    if what == "thrown_object" and active:
        words = ("高空抛物", "Object thrown from a height")
        return [Raise(AlertKind.THROWN_OBJECT, Severity.MAJOR, (STAFF, POLICE), because, words)]
    if what == "fire_lane_blocked" or (what == "parking" and device.zone == "fire_lane"):
        if not active:
            return [Clear(AlertKind.FIRE_LANE_BLOCKED, "lane free")]
        words = ("消防通道被占用", "Fire lane blocked")
        return [Raise(AlertKind.FIRE_LANE_BLOCKED, Severity.MAJOR, (STAFF, POLICE), because, words)]
    hazard = HAZARDS.get(str(what)) if what in ("fire", "smoke", "smoke_and_fire") else None
    if what == "smoke_and_fire":
        hazard = HAZARDS["fire"]
    if hazard is None:
        return []
    if not active:
        return [Clear(hazard.kind, f"{what} ended")]
    return [Raise(hazard.kind, hazard.severity, hazard.audience, because, hazard.words)]


RULES: dict[EventKind, Rule] = {
    EventKind.SENSOR: sensor,
    EventKind.DEVICE_ALARM: device_alarm,
    EventKind.DOOR: door,
    EventKind.PASSAGE: passage,
    EventKind.CAMERA_EVENT: camera,
}


def judge(observation: Observation, device: DeviceRef) -> list[Finding]:
    """What one fresh observation means. Late records mean nothing now: they raise no live alarm."""
    rule = None if observation.late else RULES.get(observation.kind)
    return [] if rule is None else rule(observation, device)
