"""Access controllers: which code becomes what, which fields are kept, what is late and what has which key."""

from __future__ import annotations

from typing import Any

import pytest

from domain.security.devices.observation import EventKind, Observation, Reason, Rejection
from integrations.devices import vocabulary
from integrations.devices.hikvision import codes
from tests.unit.devices.samples import JPEG, PNG, access, multipart, one, read


@pytest.mark.parametrize(
    ("major", "minor", "kind", "expected"),
    [
        (5, 0x01, EventKind.PASSAGE, {"decision": "granted", "method": "card"}),
        (5, 0x26, EventKind.PASSAGE, {"decision": "granted", "method": "fingerprint"}),
        (5, 0x4B, EventKind.PASSAGE, {"decision": "granted", "method": "face"}),
        (5, 0x9C, EventKind.PASSAGE, {"decision": "granted", "method": "qr"}),
        (5, 0x09, EventKind.PASSAGE, {"decision": "refused", "method": "card", "reason": "unknown_card"}),
        (5, 0x4C, EventKind.PASSAGE, {"decision": "refused", "method": "face", "reason": "unknown_person"}),
        (5, 0x9D, EventKind.PASSAGE, {"decision": "refused", "method": "qr", "reason": "wrong_credential"}),
        (5, 0xD0, EventKind.PASSAGE, {"decision": "refused", "reason": "mask_or_temperature"}),
        (5, 0x15, EventKind.DOOR, {"state": "unlocked"}),
        (5, 0x16, EventKind.DOOR, {"state": "locked"}),
        (5, 0x19, EventKind.DOOR, {"state": "opened"}),
        (5, 0x1A, EventKind.DOOR, {"state": "closed"}),
        (5, 0x1B, EventKind.DOOR, {"state": "forced"}),
        (5, 0x1C, EventKind.DOOR, {"state": "held_open"}),
        (3, 0x400, EventKind.DOOR, {"state": "unlocked", "method": "remote"}),
        (5, 0xDD, EventKind.DOOR, {"state": "other"}),
        (5, 0x7FFF, EventKind.DOOR, {"state": "other"}),
        (9, 1, EventKind.DOOR, {"state": "other"}),
        (1, 0x406, EventKind.DEVICE_ALARM, {"alarm": "tamper", "active": True}),
        (1, 0x407, EventKind.DEVICE_ALARM, {"alarm": "tamper", "active": False}),
        (1, 0x40A, EventKind.DEVICE_ALARM, {"alarm": "duress", "active": True}),
        (1, 0x415, EventKind.DEVICE_ALARM, {"alarm": "fire", "active": True}),
        (1, 0x417, EventKind.DEVICE_ALARM, {"alarm": "fire", "active": False}),
        (1, 0x418, EventKind.DEVICE_ALARM, {"alarm": "fire", "active": True}),
        (1, 0x422, EventKind.DEVICE_ALARM, {"alarm": "tamper", "active": True}),
        (1, 0x7FFF, EventKind.DEVICE_ALARM, {"alarm": "other", "active": True}),
        (5, 0x34, EventKind.DEVICE_ALARM, {"alarm": "fire", "active": True}),
        (5, 0x85, EventKind.DEVICE_ALARM, {"alarm": "tailgating", "active": True}),
        (2, 0x405, EventKind.DEVICE_ALARM, {"alarm": "power", "active": True}),
        (2, 0x406, EventKind.DEVICE_ALARM, {"alarm": "power", "active": False}),
        (2, 0x7FFF, EventKind.DEVICE_ALARM, {"alarm": "fault", "active": True}),
        (3, 0x70, EventKind.DEVICE_ALARM, {"alarm": "operation", "active": True}),
    ],
)
def test_what_a_code_becomes(major: int, minor: int, kind: EventKind, expected: dict[str, Any]) -> None:
    event = one("hikvision", access(major, minor))
    assert event.kind is kind
    assert event.attributes | expected == event.attributes
    assert event.attributes["code"] == f"{major}.{minor}"


def test_every_code_of_the_table_speaks_the_vocabulary() -> None:
    words = {
        "decision": vocabulary.DECISIONS,
        "reason": vocabulary.REASONS,
        "method": vocabulary.METHODS,
        "state": vocabulary.DOOR_STATES,
        "alarm": vocabulary.ALARMS,
        "active": {True, False},
    }
    assert len(codes.TABLE) > 150
    for meaning in codes.TABLE.values():
        for name, value in meaning.attributes.items():
            assert value in words[name]


def test_a_door_state_never_says_who() -> None:
    event = one("hikvision", access(5, 0x15, cardNo="88"))
    assert event.subject is None
    assert "person_no" not in event.attributes
    assert "decision" not in event.attributes


def test_a_passage_keeps_numbers_and_measures_and_drops_the_rest() -> None:
    event = one(
        "hikvision",
        access(
            cardNo="88", doorNo=1, cardReaderNo=2, userType="visitor", mask="no", currTemperature=98.6,
            thermometryUnit="fahrenheit", isAbnomalTemperature=False,
            HealthInfo={"healthCode": 3, "NADCode": 1, "vaccineStatus": 1},
        ),
    )  # fmt: skip
    assert event.attributes == {
        "decision": "granted", "method": "face", "code": "5.75", "door": 1, "reader": 2, "person_no": "R-77",
        "card_no": "88", "user_type": "visitor", "mask": False, "health_code": "yellow", "nucleic_acid": "negative",
        "vaccinated": True, "temperature_abnormal": False, "temperature_c": 37.0,
    }  # fmt: skip
    assert event.subject == "R-77"
    assert event.serial == 4711
    assert event.previous_serial == 4710


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"mask": "unknown"}, {}),
        ({"currTemperature": 0}, {}),
        ({"currTemperature": -1.0}, {}),
        ({"currTemperature": 55}, {"temperature_rejected": True}),
        ({"currTemperature": 310.15, "thermometryUnit": "kelvin"}, {"temperature_c": 37.0}),
        ({"currTemperature": "36.4"}, {"temperature_c": 36.4}),
        ({"HealthInfo": {"healthCode": 9}}, {}),
        ({"cardType": 5}, {"duress": True}),
        ({"employeeNoString": "0", "cardNo": "0"}, {}),
    ],
)
def test_what_was_not_measured_is_absent(sent: dict[str, Any], expected: dict[str, Any]) -> None:
    said = one("hikvision", access(**sent)).attributes
    for known in ("decision", "method", "code", "person_no"):
        said.pop(known, None)
    assert said == expected


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"isAbnomalTemperature": True, "mask": "no"}, "temperature"),
        ({"HealthInfo": {"healthCode": 4}}, "health_code"),
        ({"mask": "no"}, "mask"),
        ({}, "mask_or_temperature"),
    ],
)
def test_why_the_three_in_one_gate_refused(sent: dict[str, Any], reason: str) -> None:
    assert one("hikvision", access(5, 0xD0, **sent)).attributes["reason"] == reason


def test_a_card_read_by_a_qr_scanner_is_a_qr_code() -> None:
    assert one("hikvision", access(5, 1, cardReaderKind=3)).attributes["method"] == "qr"


@pytest.mark.parametrize("flag", [{"isDataRetransmission": True}, {"alarmDataType": 1}, {"currentEvent": False}])
def test_back_filled_records_are_late(flag: dict[str, Any]) -> None:
    assert one("hikvision", access(**flag)).late
    assert one("hikvision", access() | flag).late


def test_live_records_are_not_late() -> None:
    assert not one("hikvision", access(currentEvent=True)).late
    assert not one("hikvision", access() | {"alarmDataType": 0, "isDataRetransmission": False}).late


def test_a_search_finds_the_record_of_the_push_under_the_same_key() -> None:
    pushed = one("hikvision", access())
    item = {"major": 5, "minor": 75, "time": "2026-03-03T23:08:09Z", "serialNo": 4711, "employeeNoString": "R-77"}
    found = read("hikvision", {"AcsEvent": {"responseStatusStrg": "MORE", "InfoList": [item, {"minor": 1}]}})
    assert isinstance(found[0], Observation)
    assert found[0].key == pushed.key == "acs.5.75.4711.2026-03-03T23:08:09.000Z"
    assert found[0].late
    assert not pushed.late
    assert isinstance(found[1], Rejection)
    assert found[1].reason is Reason.MISSING_FIELD


def test_a_retry_with_another_post_count_keeps_its_key() -> None:
    assert one("hikvision", access() | {"activePostCount": 7}).key == one("hikvision", access()).key


def test_without_serial_the_person_tells_two_records_apart() -> None:
    keys = {one("hikvision", access(serialNo=None, employeeNoString=who)).key for who in ("1", "2", "2")}
    assert len(keys) == 2


def test_a_time_without_offset_is_in_the_compounds_zone() -> None:
    event = one("hikvision", access() | {"dateTime": "2026-03-04T07:08:09"})
    assert event.occurred_at is not None
    assert event.occurred_at.isoformat() == "2026-03-03T23:08:09+00:00"


def test_a_time_that_is_none_is_said_so() -> None:
    event = one("hikvision", access() | {"dateTime": "yesterday"})
    assert event.occurred_at is None
    assert event.attributes["time_rejected"] is True


def test_a_remote_check_is_refused_and_carries_its_serial() -> None:
    said = one("hikvision", access(remoteCheck=True)).attributes
    assert said["remote_check"] is True
    assert said["serial"] == 4711
    assert (said["decision"], said["reason"]) == ("refused", "remote_check")


@pytest.mark.parametrize("lengths", [True, False])
@pytest.mark.parametrize("name", ["AccessControllerEvent", "event_log"])
def test_parts_are_chosen_by_what_they_hold(name: str, lengths: bool) -> None:
    document = str(access()).replace("'", '"').encode()
    # With a length the picture may hold the delimiter's bytes; without one no sender can be helped.
    picture = JPEG if lengths else JPEG.replace(b"--cut", b"-----")
    body, kind = multipart(
        (name, "", document), ("Picture", "image/jpeg", picture), ("Thermal", "", PNG), lengths=lengths
    )
    event = one("hikvision", body, content_type=kind)
    assert [(part.label, part.content) for part in event.pictures] == [("Picture", picture), ("Thermal", PNG)]
    assert one("hikvision", body, content_type="application/octet-stream").pictures == event.pictures


def test_pictures_over_the_caps_are_dropped_and_counted() -> None:
    document = str(access()).replace("'", '"').encode()
    huge = JPEG + b"\x00" * (2 * 1024 * 1024)
    sent = [("x", "image/jpeg", huge), ("y", "image/jpeg", b"GIF89a"), *[("p", "image/jpeg", JPEG)] * 6]
    body, kind = multipart(("e", "application/json", document), *sent)
    event = one("hikvision", body, content_type=kind)
    assert len(event.pictures) == 5
    assert event.attributes["pictures_dropped"] == 3


def test_more_than_sixteen_parts_are_too_many() -> None:
    body, kind = multipart(*[("p", "image/jpeg", JPEG)] * 17)
    (record,) = read("hikvision", body, content_type=kind)
    assert isinstance(record, Rejection)
    assert record.reason is Reason.TOO_MANY


def test_an_event_whose_picture_was_cut_is_kept() -> None:
    document = str(access()).replace("'", '"').encode()
    body, kind = multipart(("e", "application/json", document), ("Picture", "image/jpeg", PNG * 4))
    event = one("hikvision", body[:-60], content_type=kind)
    assert event.pictures == ()
    assert event.attributes["pictures_dropped"] == 1


@pytest.mark.parametrize(
    "document",
    [{"AcsEvent": {"InfoList": [{}] * 10_001}}, {"Plates": {"Plate": [{}] * 10_001}}, [{}] * 10_001],
    ids=["access", "plates", "array"],
)
def test_searches_and_arrays_over_the_cap_are_too_many(document: Any) -> None:
    (record,) = read("hikvision", document)
    assert isinstance(record, Rejection)
    assert record.reason is Reason.TOO_MANY


@pytest.mark.parametrize("boundary", ["cut", "a b+c"])
def test_parts_without_a_document_are_explained(boundary: str) -> None:
    body, _ = multipart(("Picture", "image/jpeg", PNG), ("note", "text/plain", b"hello"), boundary=boundary)
    (record,) = read("hikvision", body, content_type=f'multipart/form-data; boundary="{boundary}"')
    assert record == Rejection(Reason.UNKNOWN_MESSAGE, "multipart without a JSON or XML part")


def test_a_document_that_is_broken_is_rejected_beside_its_picture() -> None:
    body, kind = multipart(("Picture", "image/jpeg", PNG), ("event", "application/json", b"{"))
    (record,) = read("hikvision", body, content_type=kind)
    assert isinstance(record, Rejection)
    assert record.reason is Reason.UNPARSEABLE


def test_an_event_without_any_time() -> None:
    sent = access()
    del sent["dateTime"]
    event = one("hikvision", {"EventNotificationAlert": sent})
    assert event.occurred_at is None
    assert event.key == "acs.5.75.4711.-"


@pytest.mark.parametrize(
    "document",
    [
        {"UserInfo": {"employeeNo": "1"}},
        {"CardInfo": {"cardNo": "1"}},
        {"RemoteCheck": {"serialNo": 1, "checkResult": "success"}},
        [{"path": "/ISAPI/AccessControl/UserInfo/Record", "body": {"UserInfo": {}}}],
        {"AcsEvent": {"numOfMatches": 0}},
        {"something": 1},
        [],
        "text",
    ],
)
def test_what_is_no_push_is_explained(document: Any) -> None:
    (record,) = read("hikvision", document)
    assert isinstance(record, Rejection)
    assert record.detail
