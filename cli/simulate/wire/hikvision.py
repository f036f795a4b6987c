"""ISAPI pushes as Hikvision devices write them: JSON of access controllers, XML of cameras, multipart with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from xml.sax.saxutils import escape

import orjson

JSON: Final = 'application/json; charset="UTF-8"'
XML: Final = 'application/xml; charset="UTF-8"'
MULTIPART: Final = "multipart/form-data; boundary=MIME_boundary"
_BOUNDARY: Final = b"MIME_boundary"
_NAMESPACE: Final = "http://www.isapi.org/ver20/XMLSchema"


def access(
    at: datetime, *, major: int, minor: int, serial: int, address: str, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """An AccessControllerEvent push. details: employeeNoString, cardNo, currTemperature, mask …"""
    return {
        "ipAddress": address,
        "portNo": 80,
        "protocol": "HTTP",
        "macAddress": "02:00:00:00:00:01",
        "channelID": 1,
        "dateTime": at.isoformat(timespec="seconds"),
        "activePostCount": 1,
        "eventType": "AccessControllerEvent",
        "eventState": "active",
        "eventDescription": "Access Controller Event",
        "AccessControllerEvent": {
            "deviceName": "Access Controller",
            "majorEventType": major,
            "subEventType": minor,
            "cardReaderNo": 1,
            "doorNo": 1,
            "serialNo": serial,
            "frontSerialNo": serial - 1,
            "currentEvent": True,
            "statusValue": 0,
            **(details or {}),
        },
    }


def json_body(said: dict[str, Any]) -> bytes:
    """The push as a plain JSON body, indented as the firmware does."""
    return orjson.dumps(said, option=orjson.OPT_INDENT_2)


def multipart(parts: Sequence[tuple[str, str, bytes]]) -> bytes:
    """A multipart body. parts: (name or file name, content type, content)."""
    body = bytearray()
    for name, kind, content in parts:
        body += b"--" + _BOUNDARY + b"\r\n"
        file = f'; filename="{name}"' if "." in name else ""
        body += f'Content-Disposition: form-data; name="{name}"{file}\r\n'.encode()
        body += f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content + b"\r\n"
    return bytes(body + b"--" + _BOUNDARY + b"--\r\n")


def _alert(at: datetime, event: str, state: str, address: str, inside: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<EventNotificationAlert version="2.0" xmlns="{_NAMESPACE}">\n'
        f"<ipAddress>{address}</ipAddress>\n<portNo>80</portNo>\n<protocol>HTTP</protocol>\n"
        "<macAddress>02:00:00:00:00:01</macAddress>\n<channelID>1</channelID>\n"
        f"<dateTime>{at.isoformat(timespec='milliseconds')}</dateTime>\n<activePostCount>1</activePostCount>\n"
        f"<eventType>{event}</eventType>\n<eventState>{state}</eventState>\n"
        f"<eventDescription>{event}</eventDescription>\n{inside}</EventNotificationAlert>\n"
    ).encode()


def anpr(at: datetime, *, plate: str, color: str, uuid: UUID, address: str) -> bytes:
    """An ANPR push's XML."""
    inside = (
        f"<ANPR>\n<country>1</country>\n<licensePlate>{escape(plate)}</licensePlate>\n<line>1</line>\n"
        f"<direction>forward</direction>\n<confidenceLevel>97</confidenceLevel>\n<plateColor>{color}</plateColor>\n"
        "<vehicleType>vehicle</vehicleType>\n<alarmDataType>0</alarmDataType>\n<listType>temporary</listType>\n"
        f"</ANPR>\n<UUID>{uuid}</UUID>\n<picNum>1</picNum>\n"
    )
    return _alert(at, "ANPR", "active", address, inside)


def camera(at: datetime, *, event: str, active: bool, target: str | None, address: str) -> bytes:
    """A camera's event: fielddetection, parking, tossing, fireDetection …"""
    said = f"<detectionTarget>{target}</detectionTarget>\n" if target else ""
    inside = (
        "<DetectionRegionList>\n<DetectionRegionEntry>\n<regionID>1</regionID>\n<sensitivityLevel>50</sensitivityLevel>\n"
        f"{said}</DetectionRegionEntry>\n</DetectionRegionList>\n"
    )
    return _alert(at, event, "active" if active else "inactive", address, inside)


def heartbeat(at: datetime, *, address: str) -> bytes:
    """The sign of life of cameras and controllers."""
    return _alert(at, "heartBeat", "active", address, "")
