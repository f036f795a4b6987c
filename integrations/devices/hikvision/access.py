"""AccessControllerEvent pushes and the records of an AcsEvent search: passages, doors, alarms of the device.

Names, faces, features and picture addresses stay behind: a passage keeps the person's and the card's number only.
"""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.security.devices.observation import EventKind, Observation, Reason, Record
from integrations.devices.fields import child, children, measured, text, truth, whole
from integrations.devices.hikvision.codes import meaning
from integrations.devices.hikvision.moments import is_late, when
from integrations.devices.limits import RECORDS
from integrations.devices.push import Refused
from integrations.devices.temperature import body_temperature

_HEALTH_CODES: Final = {
    0: "not_requested", 1: "none", 2: "green", 3: "yellow", 4: "red", 5: "no_such_person", 6: "error", 7: "timeout"
}  # fmt: skip
_NUCLEIC_ACID: Final = {0: "none", 1: "negative", 2: "positive", 3: "expired"}
_MASKS: Final = {"yes": True, "no": False}
_USERS: Final = {
    "normal": "resident", "visitor": "visitor", "blacklist": "blocked", "blocklist": "blocked",
    "administrators": "staff", "maintenance": "staff", "patrol": "patrol",
}  # fmt: skip
_DURESS_CARD: Final = 5
_QR_SCANNER: Final = 3


def push(node: dict[str, Any], zone: ZoneInfo) -> Observation:
    """The observation of one pushed event. Raises Refused when it does not say which event."""
    return _observe(child(node, "AccessControllerEvent"), node, zone)


def search(node: dict[str, Any], zone: ZoneInfo) -> list[Record]:
    """The records of a search reply: always late, with the key that the push of the same event had."""
    items = children(node, "InfoList")
    if len(items) > RECORDS:
        raise Refused(Reason.TOO_MANY, f"more than {RECORDS} records")
    if not items:
        raise Refused(Reason.UNKNOWN_MESSAGE, "a search reply without records")
    records: list[Record] = []
    for item in items:
        try:
            observation = _observe(item, item, zone)
            observation.late = True
            records.append(observation)
        except Refused as refused:
            records.append(refused.rejection)
    return records


def _observe(event: dict[str, Any], around: dict[str, Any], zone: ZoneInfo) -> Observation:
    major = _first(event, "majorEventType", "major")
    minor = _first(event, "subEventType", "minor")
    if major is None or minor is None:
        raise Refused(Reason.MISSING_FIELD, "majorEventType and subEventType say which event it is")
    what = meaning(major, minor)
    occurred_at, stamped, flags = when(zone, event.get("time"), event.get("dateTime"), around.get("dateTime"))
    serial = whole(event.get("serialNo"))
    attributes = {
        **what.attributes,
        "code": f"{major}.{minor}",
        **measured(door=whole(event.get("doorNo")), reader=whole(event.get("cardReaderNo"))),
        **flags,
    }
    subject = _describe(event, attributes) if what.kind is EventKind.PASSAGE else None
    if truth(event.get("remoteCheck")):
        attributes.update(measured(remote_check=True, serial=serial))
        if attributes.get("decision") == "granted":
            attributes.update(decision="refused", reason="remote_check")
    key = f"acs.{major}.{minor}.{'-' if serial is None else serial}.{stamped}"
    if serial is None and subject:
        key = f"{key}.{subject}"
    return Observation(
        what.kind,
        key,
        occurred_at,
        attributes,
        late=is_late(event, around),
        subject=subject,
        serial=serial,
        previous_serial=whole(event.get("frontSerialNo")),
    )


def _first(event: dict[str, Any], pushed: str, searched: str) -> int | None:
    code = whole(event.get(pushed))
    return whole(event.get(searched)) if code is None else code


def _describe(event: dict[str, Any], attributes: dict[str, Any]) -> str | None:
    """Add what was measured of the person to a passage; returns the person's or the card's number."""
    person, card = text(event.get("employeeNoString")) or text(event.get("employeeNo")), text(event.get("cardNo"))
    person, card = (None if number == "0" else number for number in (person, card))
    health = child(event, "HealthInfo")
    abnormal = truth(event.get("isAbnomalTemperature", event.get("isAbnormalTemperature")))
    mask = _MASKS.get((text(event.get("mask")) or "").lower())
    user = text(event.get("userType"))
    attributes.update(
        measured(
            person_no=person,
            card_no=card,
            user_type=_USERS.get(user.lower(), "other") if user else None,
            mask=mask,
            health_code=_HEALTH_CODES.get(_code(health, "healthCode")),
            nucleic_acid=_NUCLEIC_ACID.get(_code(health, "NADCode")),
            vaccinated=truth(health.get("vaccineStatus")),
            temperature_abnormal=abnormal,
            duress=True if whole(event.get("cardType")) == _DURESS_CARD else None,
        )
    )
    attributes.update(body_temperature(event.get("currTemperature"), text(event.get("thermometryUnit"))))
    if attributes["method"] == "card" and whole(event.get("cardReaderKind")) == _QR_SCANNER:
        attributes["method"] = "qr"
    if attributes.get("reason") == "mask_or_temperature":
        attributes["reason"] = _refused_because(attributes)
    return person or card


def _code(health: dict[str, Any], name: str) -> int:
    code = whole(health.get(name))
    return -1 if code is None else code


def _refused_because(attributes: dict[str, Any]) -> str:
    """Which of the three checks of one code refused the person, as far as the event says."""
    if attributes.get("temperature_abnormal"):
        return "temperature"
    if attributes.get("health_code") in ("red", "yellow"):
        return "health_code"
    return "mask" if attributes.get("mask") is False else "mask_or_temperature"
