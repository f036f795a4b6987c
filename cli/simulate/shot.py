"""A device as the simulator knows it, and one message on its way from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import EventKind


@dataclass(frozen=True, slots=True)
class Thing:
    """A device of the demo with its address; ``number`` and ``credential`` are those it speaks under."""

    number: int
    kind: DeviceKind
    vendor: Vendor
    compound_id: int
    compound: str
    name: str
    zone: str
    home: str | None
    external_id: str | None
    behind: bool
    path_url: str
    mqtt_prefix: str
    credential: str

    @property
    def label(self) -> str:
        """Its name in its compound, unique in the demo."""
        return f"{self.compound} {self.name}"


def thing(told: Mapping[str, Any]) -> Thing:
    """The device of an entry of ``zhian demo info``."""
    prefix = "/".join(told["mqtt_topic"].split("/")[:4]) + "/"
    return Thing(
        number=int(told["mqtt_user"]),
        kind=DeviceKind(told["kind"]),
        vendor=Vendor(told["vendor"]),
        compound_id=int(prefix.split("/")[1]),
        compound=told["compound_name"],
        name=told["name"],
        zone=told["zone"],
        home=told["home"],
        external_id=told["external_id"],
        behind=told["gateway"] is not None,
        path_url=told["path_url"],
        mqtt_prefix=prefix,
        credential=told["credential"] or "",
    )


class Way(StrEnum):
    """How a message goes: by the URL with its secret, with a credential in a header, or over MQTT."""

    PATH = "path"
    BEARER = "bearer"
    BASIC = "basic"
    DIGEST = "digest"
    MQTT = "mqtt"


@dataclass(frozen=True, slots=True)
class Shot:
    """One message: ``records`` of one ``kind``. ``topic``: after the device's MQTT prefix; used over MQTT only."""

    thing: Thing
    way: Way
    kind: EventKind
    content_type: str
    body: bytes
    topic: str = ""
    records: int = 1
