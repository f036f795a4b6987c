"""Readings of sensors behind hubs and platforms: their field names in our words, and the event they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from domain.security.devices.observation import EventKind, Observation, Reason
from integrations.devices.fields import number, truth
from integrations.devices.push import Refused

_SWITCHES: Final = {
    "smoke": "smoke", "smoke_alarm": "smoke", "gas": "gas", "gas_alarm": "gas", "carbon_monoxide": "gas",
    "water_leak": "water_leak", "waterleak": "water_leak", "leak": "water_leak", "flood": "water_leak",
    "contact": "contact", "tamper": "tamper", "battery_low": "battery_low", "low_battery": "battery_low",
    "sos": "duress", "panic": "duress", "duress": "duress", "occupancy": "occupancy", "motion": "occupancy",
    "vibration": "vibration", "alarm": "alarm",
}  # fmt: skip
_MEASURES: Final = {
    "temperature": "temperature_c", "humidity": "humidity_percent", "battery": "battery_percent",
    "battery_level": "battery_percent", "battery_percentage": "battery_percent",
    "batterypercentage": "battery_percent", "linkquality": "link_quality",
    "illuminance": "illuminance_lux", "illuminance_lux": "illuminance_lux", "smoke_density": "smoke_density",
    "liquid_level": "liquid_level", "rssi": "signal_dbm", "voltage": "voltage_mv",
}  # fmt: skip
# What says how the sensor is, not what it senses: a message of these alone is a sign of life.
_OF_THE_SENSOR: Final = frozenset({"battery_percent", "link_quality", "signal_dbm", "voltage_mv"})
_VOLTS_BELOW: Final = 100


@dataclass(slots=True)
class Reading:
    """``switches``: property -> boolean; ``measures``: name -> number, both in our words."""

    switches: dict[str, bool] = field(default_factory=dict)
    measures: dict[str, float] = field(default_factory=dict)


def read(values: dict[str, Any]) -> Reading:
    """What is recognised among a sensor's values; names are compared without regard to case."""
    reading = Reading()
    for name, value in values.items():
        word = name.lower()
        if word in _SWITCHES:
            state = truth(value)
            if state is not None:
                reading.switches[_SWITCHES[word]] = state
        elif word in _MEASURES:
            measured = number(value)
            if measured is not None:
                in_volts = word == "voltage" and measured < _VOLTS_BELOW
                reading.measures[_MEASURES[word]] = measured * 1000 if in_volts else measured
    return reading


def observe(
    reading: Reading, *, source: str | None, occurred_at: datetime | None, key: str | None = None
) -> Observation:
    """The event of a reading.

    Without a key the switches are edge-detected (without switches, the measures are). A reading of nothing but the
    sensor's own battery and radio is a heartbeat.
    """
    attributes: dict[str, Any] = {**reading.measures, **reading.switches}
    sensed = {name: value for name, value in reading.measures.items() if name not in _OF_THE_SENSOR}
    if not reading.switches and not sensed:
        return Observation(EventKind.HEARTBEAT, key, occurred_at, attributes, source=source)
    state = None if key else dict(reading.switches or sensed)
    return Observation(EventKind.SENSOR, key, occurred_at, attributes, source=source, state=state)


def presence(online: bool, *, source: str | None) -> Observation:
    """A hub's word that a device is there (a heartbeat) or is not (an alarm of the device); edge-detected."""
    state = {"online": online}
    if online:
        return Observation(EventKind.HEARTBEAT, None, None, {}, source=source, state=state)
    attributes = {"alarm": "offline", "active": True}
    return Observation(EventKind.DEVICE_ALARM, None, None, attributes, source=source, state=state)


def refuse_discovery(value: dict[str, Any]) -> None:
    """Raises Refused on a Home Assistant discovery message: it describes a sensor; its template is never evaluated."""
    if "state_topic" in value and ("unique_id" in value or "value_template" in value or "device_class" in value):
        raise Refused(
            Reason.UNKNOWN_MESSAGE,
            "Home Assistant discovery: describes a sensor, carries no reading; register the sensor",
        )
