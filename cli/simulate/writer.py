"""From what happens at a device to the message its vendor's firmware would send of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from cli.simulate.picture import jpeg
from cli.simulate.shot import Shot, Thing, Way
from cli.simulate.wire import hikvision, readers, sensors, zhian
from cli.simulate.wire.sensors import Reading
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.observation import EventKind

ZONE: Final = ZoneInfo("Asia/Shanghai")
_EVENT, _FACE, _CARD, _STRANGER, _HELD_OPEN, _CLOSED, _FIRE = 5, 0x4B, 0x01, 0x50, 0x1C, 0x1A, 0x34
_CAMERA: Final = {
    "thrown_object": "tossing",
    "parking": "parking",
    "fire": "fireDetection",
    "intrusion": "fielddetection",
    "region_entry": "regionEntrance",
    "line_crossing": "linedetection",
}
_PICTURES: Final = 0.25
_JSON: Final = zhian.JSON


class Writer:
    """Makes messages of one run. Serial numbers rise per device; ``run`` keeps message ids apart from other runs'."""

    def __init__(self, rng: random.Random, run: str, clock: Callable[[], datetime]) -> None:
        self._rng = rng
        self._run = run
        self._clock = clock
        self._serials: Counter[int] = Counter()

    def _now(self) -> datetime:
        return self._clock().astimezone(ZONE)

    def _serial(self, thing: Thing) -> int:
        self._serials[thing.number] += 1
        return self._serials[thing.number]

    def passage(self, thing: Thing, person: str, *, refused: bool = False, temperature: float = 36.5) -> Shot:
        """Somebody at a gate: let in by face, or refused as unknown."""
        if thing.vendor is Vendor.HIKVISION:
            details: dict[str, Any] = {"cardReaderKind": 1, "currentVerifyMode": "cardOrFace", "mask": "no"}
            if not refused:
                details |= {"employeeNoString": person, "userType": "normal"}
                details |= {"currTemperature": temperature, "thermometryUnit": "celsius"}
            code = _STRANGER if refused else self._rng.choice((_FACE, _FACE, _CARD))
            return self._access(thing, EventKind.PASSAGE, code, details, picture=self._rng.random() < _PICTURES)
        data: dict[str, Any] = {"decision": "refused" if refused else "granted", "method": "face"}
        data |= {"reason": "unknown_person"} if refused else {"person_no": person, "temperature_c": temperature}
        return self._zhian(thing, EventKind.PASSAGE, data)

    def door(self, thing: Thing, *, held_open: bool) -> Shot:
        """A door that is kept open too long, or is closed again."""
        if thing.vendor is Vendor.HIKVISION:
            return self._access(thing, EventKind.DOOR, _HELD_OPEN if held_open else _CLOSED, {})
        return self._zhian(thing, EventKind.DOOR, {"state": "held_open" if held_open else "closed"})

    def fire_input(self, thing: Thing) -> Shot:
        """A Hikvision gate whose fire input is triggered."""
        return self._access(thing, EventKind.DEVICE_ALARM, _FIRE, {})

    def _access(
        self, thing: Thing, kind: EventKind, code: int, details: dict[str, Any], *, picture: bool = False
    ) -> Shot:
        said = hikvision.access(
            self._now(),
            major=_EVENT,
            minor=code,
            serial=self._serial(thing),
            address=_address(thing),
            details=details | ({"picturesNumber": 1} if picture else {}),
        )
        body = hikvision.json_body(said)
        way = self._rng.choices((Way.PATH, Way.DIGEST, Way.BASIC), (6, 3, 1))[0]
        if not picture:
            return Shot(thing, way, kind, hikvision.JSON, body)
        parts = [("AccessControllerEvent", hikvision.JSON, body), ("Picture.jpg", "image/jpeg", jpeg())]
        return Shot(thing, way, kind, hikvision.MULTIPART, hikvision.multipart(parts))

    def plate(self, thing: Thing, number: str) -> Shot:
        """A vehicle at a barrier or at an edge."""
        if thing.vendor is not Vendor.HIKVISION:
            return self._zhian(thing, EventKind.PLATE_READ, {"plate": number, "plate_color": "blue", "confidence": 97})
        # Never from the seed: the camera's UUID decides duplicates, and the next run would be one.
        body = hikvision.anpr(self._now(), plate=number, color="blue", uuid=uuid4(), address=_address(thing))
        if self._rng.random() >= _PICTURES:
            return Shot(thing, Way.PATH, EventKind.PLATE_READ, hikvision.XML, body)
        parts = [("anpr.xml", "text/xml", body), ("detectionPicture.jpg", "image/jpeg", jpeg())]
        return Shot(thing, Way.DIGEST, EventKind.PLATE_READ, hikvision.MULTIPART, hikvision.multipart(parts))

    def tags(self, thing: Thing, tags: Sequence[str]) -> Shot:
        """Tags in a reader's field."""
        at, antenna = self._now(), self._rng.randint(1, 4)
        rssi = self._rng.randint(-72, -45)
        if thing.vendor is Vendor.IMPINJ:
            body = readers.impinj(at, tags, antenna=antenna, rssi_cdbm=rssi * 100)
            topic = "impinj/events"
        elif thing.vendor is Vendor.ZEBRA:
            number = self._serial(thing) * 100
            body, topic = readers.zebra(at, tags, antenna=antenna, rssi=rssi, number=number), "zebra/tags"
        else:
            reads = [{"tag": tag, "tag_kind": "uhf_tid", "antenna": antenna, "rssi_dbm": rssi} for tag in tags]
            shot = self._zhian(thing, EventKind.TAG_READ, {"reads": reads})
            return replace(shot, records=len(tags))
        way = Way.MQTT if self._rng.random() < 0.5 else Way.PATH
        return Shot(thing, way, EventKind.TAG_READ, _JSON, body, topic, len(tags))

    def tag_lines(self, thing: Thing, tags: Sequence[str]) -> Shot:
        """What a Zhian reader saved up: one message per tag in one body of lines."""
        said = [
            zhian.message("tag_read", self._key(thing), self._now(), {"reads": [{"tag": tag, "tag_kind": "uhf_tid"}]})
            for tag in tags
        ]
        return Shot(thing, Way.BEARER, EventKind.TAG_READ, zhian.NDJSON, zhian.lines(said), records=len(tags))

    def sensor(self, thing: Thing, reading: Reading) -> Shot:
        """A sensor's reading, by itself or through its hub."""
        at, kind = self._now(), EventKind.SENSOR
        name = thing.external_id or f"0x{thing.number:04X}"
        if thing.vendor is Vendor.ZHIAN:
            return self._zhian(thing, kind, dict(reading))
        if thing.vendor is Vendor.ZIGBEE2MQTT:
            way = Way.MQTT if thing.behind else Way.PATH
            body = sensors.zigbee2mqtt(thing.external_id, reading)
            return Shot(thing, way, kind, _JSON, body, f"zigbee2mqtt/{name}")
        if thing.vendor is Vendor.TASMOTA:
            topic = "tasmota/tele/bridge/SENSOR"
            return Shot(thing, Way.MQTT, kind, _JSON, sensors.tasmota(at, name, reading), topic)
        if thing.vendor is Vendor.THINGSBOARD:
            body = sensors.thingsboard(at, thing.external_id, reading)
            return Shot(thing, Way.PATH, kind, _JSON, body)
        return Shot(thing, Way.PATH, kind, _JSON, sensors.ctwing(at, name, reading))

    def camera(self, thing: Thing, what: str, *, active: bool = True, target: str | None = None) -> Shot:
        """What a camera's analytics saw; ``what`` is one of our words."""
        kind = EventKind.CAMERA_EVENT
        if thing.vendor is not Vendor.HIKVISION:
            said = {"type": what, "active": active} | ({"target": target} if target else {})
            return self._zhian(thing, kind, said)
        body = hikvision.camera(self._now(), event=_CAMERA[what], active=active, target=target, address=_address(thing))
        return Shot(thing, Way.PATH, kind, hikvision.XML, body)

    def heartbeat(self, thing: Thing) -> Shot:
        """The device's sign of life."""
        at, kind = self._now(), EventKind.HEARTBEAT
        bodies: dict[Vendor, tuple[str, bytes, str]] = {
            Vendor.HIKVISION: (hikvision.XML, hikvision.heartbeat(at, address=_address(thing)), ""),
            Vendor.IMPINJ: (_JSON, readers.impinj_status(at), "impinj/events"),
            Vendor.ZEBRA: (_JSON, readers.zebra_heartbeat(at), "zebra/management"),
            Vendor.ZIGBEE2MQTT: (_JSON, b'{"state":"online"}', f"zigbee2mqtt/{_availability(thing)}"),
            Vendor.TASMOTA: (_JSON, b"Online", "tasmota/tele/bridge/LWT"),
            Vendor.THINGSBOARD: (_JSON, sensors.thingsboard(at, thing.external_id, {"battery": 97}), ""),
        }
        if thing.vendor is Vendor.ZHIAN:
            return self._zhian(thing, kind, {"uptime_s": self._serials[thing.number] + 1})
        if thing.vendor is Vendor.CTWING:  # it has no heartbeat of its own: it reports
            return self.sensor(thing, {"temperature_c": self._rng.randint(15, 30)})
        content_type, body, topic = bodies[thing.vendor]
        over_mqtt = thing.vendor in (Vendor.ZIGBEE2MQTT, Vendor.TASMOTA)
        return Shot(thing, Way.MQTT if over_mqtt else Way.PATH, kind, content_type, body, topic)

    def offline(self, thing: Thing) -> Shot:
        """A hub's word that a sensor behind it is gone."""
        topic = f"zigbee2mqtt/{_availability(thing)}"
        return Shot(thing, Way.MQTT, EventKind.DEVICE_ALARM, _JSON, b'{"state":"offline"}', topic)

    def _zhian(self, thing: Thing, kind: EventKind, data: dict[str, Any]) -> Shot:
        serial = self._serial(thing)
        around = {"seq": serial, "previous_seq": serial - 1}
        body = zhian.single(zhian.message(str(kind), self._key(thing), self._now(), data, **around))
        way = Way.MQTT if thing.kind is DeviceKind.RFID_READER else Way.BEARER
        return Shot(thing, way, kind, _JSON, body, str(kind))

    def _key(self, thing: Thing) -> str:
        return f"sim-{self._run}-{thing.number}-{self._rng.getrandbits(48):012x}"


def _address(thing: Thing) -> str:
    """An address for the body; devices write theirs there, and nobody believes it."""
    return f"192.0.2.{thing.number % 254 + 1}"


def _availability(thing: Thing) -> str:
    return "bridge/state" if thing.kind is DeviceKind.GATEWAY else f"{thing.external_id or thing.number}/availability"
