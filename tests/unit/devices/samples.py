"""Messages in the vendors' real shapes, with values of our own."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from domain.security.devices.observation import Observation, Record
from integrations.devices.registry import parse_strictly

ZONE = ZoneInfo("Asia/Shanghai")
JPEG = b"\xff\xd8\xff\xe0" + b"\x00JFIF\r\n--cut\r\n" + b"\x11" * 40
PNG = b"\x89PNG\r\n\x1a\n" + b"\x22" * 24


def read(
    vendor: str, body: bytes | str | Any, *, content_type: str = "application/json", topic: str | None = None
) -> list[Record]:
    """Parse as the edge does, but with a parser's faults raised; anything but text and bytes is sent as JSON."""
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    data = body.encode() if isinstance(body, str) else body
    return parse_strictly(vendor, data, content_type=content_type, topic=topic, timezone=ZONE)


def one(vendor: str, body: bytes | str | Any, **how: Any) -> Observation:
    """The only record of a message, which must be an event."""
    records = read(vendor, body, **how)
    assert len(records) == 1, records
    assert isinstance(records[0], Observation), records
    return records[0]


def access(major: int = 5, minor: int = 75, **event: Any) -> dict[str, Any]:
    """An access controller's push."""
    return {
        "ipAddress": "10.20.30.40",
        "channelID": 1,
        "dateTime": "2026-03-04T07:08:09+08:00",
        "activePostCount": 1,
        "eventType": "AccessControllerEvent",
        "eventState": "active",
        "AccessControllerEvent": {
            "deviceName": "east gate",
            "majorEventType": major,
            "subEventType": minor,
            "serialNo": 4711,
            "frontSerialNo": 4710,
            "name": "someone",
            "employeeNoString": "R-77",
            "FaceRect": {"x": 0.1, "y": 0.2},
            "pictureURL": "http://10.20.30.40/picture",
            **event,
        },
    }


def camera(kind: str, extra: str = "", namespace: str = ' xmlns="http://www.isapi.org/ver20/XMLSchema"') -> str:
    """A camera's push in XML."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<EventNotificationAlert version="2.0"{namespace}>'
        "<ipAddress>10.20.30.41</ipAddress><channelID>2</channelID><dateTime>2026-03-04T07:08:09+08:00</dateTime>"
        f"<activePostCount>3</activePostCount><eventType>{kind}</eventType><eventState>active</eventState>{extra}"
        "</EventNotificationAlert>"
    )


def anpr(plate: str = "浙F·A1234", uuid: str = "5e0b8f0e-93a4-4d1c-9d55-2f7a3c1b0a99", extra: str = "") -> str:
    """A barrier camera's push in XML."""
    return camera(
        "ANPR",
        f"<ANPR><licensePlate>{plate}</licensePlate><line>1</line><direction>forward</direction>"
        "<confidenceLevel>93</confidenceLevel><plateColor>newEnergyYellowGreen</plateColor>"
        f"<vehicleType>SUVMPV</vehicleType><listType>whiteList</listType>{extra}</ANPR><UUID>{uuid}</UUID>",
    )


def multipart(*parts: tuple[str, str, bytes], boundary: str = "cut", lengths: bool = True) -> tuple[bytes, str]:
    """A multipart body with a stray semicolon in each disposition, and its content type."""
    body = b""
    for name, kind, content in parts:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}";\r\nContent-Type: {kind}\r\n'.encode()
        if lengths:
            body += f"Content-Length: {len(content)}\r\n".encode()
        body += b"\r\n" + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


CTWING = {
    "upPacketSN": -1,
    "timestamp": 1767225600123,
    "productId": "77",
    "messageType": "dataReport",
    "deviceId": "d-900",
    "IMEI": "861234567890123",
    "payload": {"serviceId": "notification", "serviceData": {"Alarm_Status": 1, "RSRP": 96, "Battery_Level": 55}},
}
IMPINJ = {
    "timestamp": "2026-03-04T00:00:01.123456789Z",
    "eventType": "tagInventory",
    "tagInventoryEvent": {
        "epc": "MBQz4t3JQUAAAAAB",
        "tidHex": "e2801160600002049a00b1c2",
        "antennaPort": 2,
        "peakRssiCdbm": -6150,
        "lastSeenTime": "2026-03-04T00:00:01.1Z",
    },
}
ZEBRA = {
    "type": "INVENTORY",
    "timestamp": "2026-03-04T00:00:01Z",
    "data": {"tagData": [{"EPC": "3014AABBCCDDEEFF00112233", "peakRssi": -48, "seenCount": 3, "eventNum": 9}]},
}
MESSAGES: dict[str, list[str]] = {
    "hikvision": [json.dumps(access()), camera("tossing"), anpr()],
    "zhian": [
        json.dumps(
            {"id": "a-1", "type": "passage", "at": "2026-03-04T07:08:09+08:00", "data": {"decision": "granted"}}
        ),
        json.dumps({"id": "a-2", "type": "tag_read", "data": {"reads": [{"tag": "AB12CD34", "count": 2}]}}),
        '{"id":"a-3","type":"sensor","data":{"smoke":true}}\n{"id":"a-4","type":"heartbeat"}',
    ],
    "zigbee2mqtt": ['{"smoke":true,"battery":80,"last_seen":1767225600000}'],
    "tasmota": ['{"ZbReceived":{"0x1A2B":{"Device":"0x1A2B","ZoneStatusChange":5,"LinkQuality":99}}}'],
    "thingsboard": ["{temperature:25}", '{"Dev A":[{"ts":1767225600000,"values":{"smoke":true}}]}'],
    "ctwing": [json.dumps(CTWING)],
    "impinj": [json.dumps([IMPINJ])],
    "zebra": [json.dumps(ZEBRA)],
}
