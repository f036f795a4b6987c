"""Bodies that Hikvision devices push: JSON, XML, or both and pictures in parts."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.security.devices.observation import Observation, Reason, Record
from integrations.devices import json_text, multipart, pictures, xml_text
from integrations.devices.fields import text
from integrations.devices.hikvision import access, anpr, camera
from integrations.devices.limits import RECORDS
from integrations.devices.push import Push, Refused

_NOT_PUSHES: Final = {
    "UserInfo": "provisioning of a person, sent to a device and never by one",
    "CardInfo": "provisioning of a card, sent to a device and never by one",
    "HttpHostNotificationList": "the configuration of a listener, sent to a device and never by one",
    "HttpHostNotification": "the configuration of a listener, sent to a device and never by one",
    "RemoteCheck": "the reply to a remote check, sent to a device and never by one",
    "ResponseStatus": "the status of a request that we made, not an event",
}


def parse(push: Push) -> list[Record]:
    """The body's records in order. Raises Refused when nothing in it can be read."""
    if multipart.is_multipart(push.body, push.content_type):
        return _parts(push)
    return _document(push.body, push.content_type, push.timezone)


def _parts(push: Push) -> list[Record]:
    """The records of all documents; a picture belongs to the document before it, else to the first."""
    records: list[Record] = []
    candidates: dict[int, list[tuple[str, bytes | None]]] = {}
    for part in multipart.split(push.body, push.content_type):
        if part.content_type.lower().startswith("image/") or pictures.format_of(part.content):
            place = max(len(records) - 1, 0)
            candidates.setdefault(place, []).append((part.name, part.content if part.whole else None))
        elif _is_document(part):
            try:
                records += _document(part.content, part.content_type, push.timezone)
            except Refused as refused:
                records.append(refused.rejection)
    if not records:
        raise Refused(Reason.UNKNOWN_MESSAGE, "multipart without a JSON or XML part")
    for place, sent in candidates.items():
        owner = records[place]
        if isinstance(owner, Observation):
            owner.pictures, dropped = pictures.keep(sent)
            owner.attributes.update(dropped)
    return records


def _is_document(part: multipart.Part) -> bool:
    kind = part.content_type.lower()
    return "json" in kind or "xml" in kind or part.content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"<")


def _document(body: bytes, content_type: str, zone: ZoneInfo) -> list[Record]:
    """The records of one JSON or XML document, told apart by the first character."""
    start = json_text.as_utf8(body, content_type).lstrip()[:1]
    if start == b"<":
        name, value = xml_text.load(body, content_type)
        return _records(value if name == "EventNotificationAlert" else {name: value}, zone)
    if start not in (b"{", b"["):
        raise Refused(Reason.UNPARSEABLE, "neither JSON nor XML")
    value = json_text.load(json_text.as_utf8(body, content_type))
    if not isinstance(value, list):
        return _records(value, zone)
    if not value or len(value) > RECORDS:
        raise Refused(Reason.TOO_MANY if value else Reason.UNKNOWN_MESSAGE, f"an array of 1 to {RECORDS} events")
    records: list[Record] = []
    for item in value:
        try:
            records += _records(item, zone)
        except Refused as refused:
            records.append(refused.rejection)
    return records


def _records(node: Any, zone: ZoneInfo) -> list[Record]:
    """The records of one document. Raises Refused when it is not something a device pushes."""
    if isinstance(node, dict) and isinstance(node.get("EventNotificationAlert"), dict):
        node = node["EventNotificationAlert"]
    if not isinstance(node, dict):
        raise Refused(Reason.UNKNOWN_MESSAGE, "no event in it")
    if isinstance(node.get("AcsEvent"), dict):
        return access.search(node["AcsEvent"], zone)
    if isinstance(node.get("Plates"), dict):
        return anpr.search(node["Plates"], zone)
    name = text(node.get("eventType"))
    if name == "AccessControllerEvent" or isinstance(node.get("AccessControllerEvent"), dict):
        return [access.push(node, zone)]
    if name in ("ANPR", "vehicleDetection") or isinstance(node.get("ANPR"), dict):
        return [anpr.push(node, zone)]
    if name:
        return [camera.event(node, name, zone)]
    body = node.get("body")
    for known, explanation in _NOT_PUSHES.items():
        if known in node or (isinstance(body, dict) and known in body):
            raise Refused(Reason.UNKNOWN_MESSAGE, f"{known}: {explanation}")
    raise Refused(Reason.UNKNOWN_MESSAGE, "no eventType")
