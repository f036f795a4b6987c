"""Telemetry of Tasmota devices and of the Zigbee sensors behind them."""

from __future__ import annotations

from typing import Any

from domain.security.devices.observation import Reason, Record
from integrations.devices import json_text
from integrations.devices.fields import text
from integrations.devices.instants import instant
from integrations.devices.limits import RECORDS
from integrations.devices.push import Push, Refused
from integrations.devices.sensing import observe, presence, read, refuse_discovery
from integrations.devices.tasmota import zone


def parse(push: Push) -> list[Record]:
    """The records of one message: one per Zigbee sensor named in it. Raises Refused on what is not telemetry."""
    levels = (push.topic or "").split("/")
    body = json_text.as_utf8(push.body, push.content_type)
    word = body.strip().lower()
    if levels[-1] == "LWT" or word in (b"online", b"offline"):
        if word not in (b"online", b"offline"):
            raise Refused(Reason.BAD_VALUE, "LWT: Online or Offline")
        return [presence(word == b"online", source=None)]
    if "cmnd" in levels or "stat" in levels:
        raise Refused(Reason.UNKNOWN_MESSAGE, "a command or its result, not telemetry")
    value = json_text.load(body)
    if not isinstance(value, dict) or not value:
        raise Refused(Reason.UNKNOWN_MESSAGE, "telemetry is a JSON object")
    refuse_discovery(value)
    occurred_at = instant(value.get("Time"), push.timezone)
    sensors = value.get("ZbReceived")
    if not isinstance(sensors, dict):
        return [observe(read(_flat(value)), source=None, occurred_at=occurred_at)]
    if not sensors or len(sensors) > RECORDS:
        raise Refused(Reason.MISSING_FIELD, "ZbReceived: the sensors by address")
    records: list[Record] = []
    for address, report in sensors.items():
        if not isinstance(report, dict):
            raise Refused(Reason.BAD_VALUE, "ZbReceived: a sensor's report is an object")
        reading = read({name: value for name, value in report.items() if name in _MEASURES})
        reading.switches = zone.switches(report)
        source = text(report.get("Name")) or text(report.get("Device")) or text(address)
        records.append(observe(reading, source=source, occurred_at=occurred_at))
    return records


_MEASURES = frozenset({"Temperature", "Humidity", "BatteryPercentage", "LinkQuality", "Illuminance"})


def _flat(value: dict[str, Any]) -> dict[str, Any]:
    """The values of a device's own sensors, which stand one level down, each under its chip's name."""
    flat = {name: one for name, one in value.items() if not isinstance(one, dict)}
    for one in value.values():
        if isinstance(one, dict):
            flat.update({name: inner for name, inner in one.items() if not isinstance(inner, dict)})
    return flat
