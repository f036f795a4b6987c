"""States that Zigbee2MQTT publishes, one topic per sensor."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from domain.security.devices.observation import Reason, Record
from integrations.devices import json_text
from integrations.devices.fields import child, text
from integrations.devices.instants import either
from integrations.devices.push import Push, Refused
from integrations.devices.sensing import observe, presence, read, refuse_discovery

_EMERGENCIES: Final = frozenset({"emergency", "sos", "panic"})
_COMMANDS: Final = ("/set", "/get")


def parse(push: Push) -> list[Record]:
    """The record of one state. Raises Refused on what is not one."""
    name = _friendly_name(push.topic)
    body = json_text.as_utf8(push.body, push.content_type)
    if name == "bridge/state":
        return [presence(_online(body), source=None)]
    if name and (name == "bridge" or name.startswith("bridge/")):
        raise Refused(Reason.UNKNOWN_MESSAGE, "a bridge topic other than bridge/state: configuration and logs")
    if name and name.endswith("/availability"):
        return [presence(_online(body), source=name.removesuffix("/availability"))]
    if name and name.endswith(_COMMANDS):
        raise Refused(Reason.UNKNOWN_MESSAGE, "a command to a sensor, not a state of one")
    value = json_text.load(body)
    if not isinstance(value, dict) or not value:
        raise Refused(Reason.UNKNOWN_MESSAGE, "a state is a JSON object")
    refuse_discovery(value)
    return [_state(value, name, either(value.get("last_seen"), push.timezone))]


def _state(value: dict[str, Any], name: str | None, seen_at: datetime | None) -> Record:
    """A sensor's state; contact is true when closed, as Zigbee2MQTT has it."""
    reading = read(value)
    action = value.get("action")
    if isinstance(action, str) and (action in _EMERGENCIES or not action):
        reading.switches["duress"] = bool(action)
    device = child(value, "device")
    named = name or text(device.get("friendlyName")) or text(device.get("ieeeAddr"))
    return observe(reading, source=named, occurred_at=seen_at)


def _friendly_name(topic: str | None) -> str | None:
    """The topic below the base topic; names may hold slashes."""
    if topic is None:
        return None
    return text(topic.removeprefix("zigbee2mqtt/"))


def _online(body: bytes) -> bool:
    """The word "online" or "offline", bare or as {"state": ...}."""
    said = body.strip().decode("utf-8", "replace")
    if said.startswith("{"):
        value = json_text.load(body)
        said = str(value.get("state")) if isinstance(value, dict) else ""
    word = said.strip('"').lower()
    if word not in ("online", "offline"):
        raise Refused(Reason.BAD_VALUE, 'availability: "online" or "offline"')
    return word == "online"
