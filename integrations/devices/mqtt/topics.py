"""Topic names: ``c/{compound}/d/{device}/{message}``, and ``…/down/…`` for what is sent to a device."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from domain.security.devices.directory import DeviceRef

UPLINK_FILTER: Final = "c/+/d/+/#"
_DOWNLINK: Final = re.compile(r"c/[0-9]+/d/[0-9]+/down(/|\Z)")
_TOPIC: Final = re.compile(r"c/([1-9][0-9]{0,9})/d/([1-9][0-9]{0,9})/([^\x00+#]{1,256})\Z")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of ours, taken apart. ``message`` never holds a wildcard."""

    compound_id: int
    device_id: int
    message: str


def read_topic(name: str) -> Topic | None:
    """Take a topic name apart; None when it is not of our shape or is a downlink's."""
    match = _TOPIC.match(name)
    if match is None or is_downlink(name):
        return None
    return Topic(int(match[1]), int(match[2]), match[3])


def is_downlink(name: str) -> bool:
    """Whether ``name`` is what is sent to a device, not by it."""
    return _DOWNLINK.match(name) is not None


def prefix_of(device: DeviceRef) -> str:
    """Everything a device may publish starts with this."""
    return f"c/{device.compound_id}/d/{device.id}/"


def message_for(device: DeviceRef, name: str) -> str | None:
    """The message part when ``device`` may publish to ``name``, else None: the login must be the topic's device."""
    topic = read_topic(name)
    if topic is None or (topic.compound_id, topic.device_id) != (device.compound_id, device.id):
        return None
    return topic.message


def may_subscribe(device: DeviceRef, topic_filter: str) -> bool:
    """Whether ``topic_filter`` stays inside the device's own downlink, without wildcards but a last ``#``."""
    down = prefix_of(device) + "down/"
    rest = topic_filter.removeprefix(down)
    if rest == topic_filter or not rest or len(topic_filter) > 256:
        return False
    return rest == "#" or not re.search(r"[\x00+#]", rest.removesuffix("/#"))
