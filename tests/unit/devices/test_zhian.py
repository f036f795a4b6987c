"""Zhian's contract: forms of a body, what is required, what stands around the data."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from domain.security.devices.observation import EventKind, Observation, Reason, Record, Rejection
from tests.unit.devices.samples import JPEG, one, read

AT = "2026-03-04T07:08:09+08:00"


def message(kind: str, data: Any = None, **around: Any) -> dict[str, Any]:
    return {"id": "m-1", "type": kind, "at": AT, "data": data, **around}


def reasons(records: list[Record]) -> list[str]:
    return [record.reason.value if isinstance(record, Rejection) else "ok" for record in records]


@pytest.mark.parametrize(
    ("sent", "kind", "attributes", "subject"),
    [
        (
            message("passage", {"decision": "granted", "person_no": "R-1", "card_no": "9", "temperature_c": 36.4}),
            EventKind.PASSAGE,
            {"decision": "granted", "person_no": "R-1", "card_no": "9", "temperature_c": 36.4},
            "R-1",
        ),
        (
            message("passage", {"decision": "refused", "reason": "health_code", "card_no": "9", "temperature_c": 0}),
            EventKind.PASSAGE,
            {"decision": "refused", "reason": "health_code", "card_no": "9"},
            "9",
        ),
        (
            message("passage", {"decision": "refused", "temperature_c": 60}),
            EventKind.PASSAGE,
            {"decision": "refused", "temperature_rejected": True},
            None,
        ),
        (message("door", {"state": "forced", "door": 2.0}), EventKind.DOOR, {"state": "forced", "door": 2}, None),
        (
            message("plate_read", {"plate": "浙f·d12345", "direction": "in"}),
            EventKind.PLATE_READ,
            {"plate": "浙FD12345", "plate_raw": "浙f·d12345", "direction": "in"},
            "浙FD12345",
        ),
        (message("plate_read"), EventKind.PLATE_READ, {"plate": None}, None),
        (
            message("sensor", {"smoke": True, "battery_percent": 88, "gas": None, "colour": "red"}),
            EventKind.SENSOR,
            {"smoke": True, "battery_percent": 88},
            None,
        ),
        (
            message("camera_event", {"type": "thrown_object", "confidence": 91}),
            EventKind.CAMERA_EVENT,
            {"type": "thrown_object", "confidence": 91, "active": True},
            None,
        ),
        (message("heartbeat", {"uptime_s": 5}), EventKind.HEARTBEAT, {"uptime_s": 5}, None),
    ],
)
def test_what_a_message_becomes(
    sent: dict[str, Any], kind: EventKind, attributes: dict[str, Any], subject: str | None
) -> None:
    event = one("zhian", sent)
    assert (event.kind, event.attributes, event.subject, event.key) == (kind, attributes, subject, "m-1")
    assert event.occurred_at is not None
    assert event.occurred_at.timestamp() == 1772579289
    assert event.state is None


def test_what_stands_around_the_data() -> None:
    event = one("zhian", message("sensor", {"gas": True}, late=True, source="kitchen", seq=8, previous_seq=6))
    assert (event.late, event.source, event.serial, event.previous_serial) == (True, "kitchen", 8, 6)


def test_what_stands_around_is_checked_without_data_too() -> None:
    assert reasons(read("zhian", {"id": "a", "type": "heartbeat", "source": False})) == ["bad_value"]
    assert one("zhian", {"id": "a", "type": "heartbeat", "late": True}).late


def test_without_time_the_arrival_counts() -> None:
    assert one("zhian", {"id": "a", "type": "heartbeat"}).occurred_at is None


@pytest.mark.parametrize(
    ("sent", "reason", "names"),
    [
        ({"type": "heartbeat"}, Reason.MISSING_FIELD, "id"),
        ({"id": "", "type": "heartbeat"}, Reason.BAD_VALUE, "id"),
        ({"id": "a b", "type": "heartbeat"}, Reason.BAD_VALUE, "id"),
        ({"id": 5, "type": "heartbeat"}, Reason.BAD_VALUE, "id"),
        ({"id": "a"}, Reason.MISSING_FIELD, "type"),
        ({"id": "a", "type": "weather"}, Reason.UNKNOWN_MESSAGE, "type"),
        ({"id": "a", "type": ["door"]}, Reason.UNKNOWN_MESSAGE, "type"),
        (message("passage"), Reason.MISSING_FIELD, "decision"),
        (message("passage", []), Reason.BAD_VALUE, "data"),
        (message("passage", {"decision": "maybe"}), Reason.BAD_VALUE, "decision"),
        (message("sensor", {}), Reason.MISSING_FIELD, "smoke"),
        (message("sensor", {"smoke": 1}), Reason.BAD_VALUE, "smoke"),
        (message("door", {"state": "forced", "door": True}), Reason.BAD_VALUE, "door"),
        (message("heartbeat", at="2026-03-04T07:08:09"), Reason.BAD_VALUE, "at"),
        (message("heartbeat", at="2026-02-30T07:08:09Z"), Reason.BAD_VALUE, "at"),
        (message("heartbeat", at=1767225600), Reason.BAD_VALUE, "at"),
        (message("heartbeat", late="yes"), Reason.BAD_VALUE, "late"),
        (message("heartbeat", source="a\nb"), Reason.BAD_VALUE, "source"),
        (message("heartbeat", seq=-1), Reason.BAD_VALUE, "seq"),
        (message("heartbeat", pictures=["x"]), Reason.BAD_VALUE, "pictures"),
        (message("tag_read"), Reason.MISSING_FIELD, "reads"),
        (message("tag_read", {"reads": []}), Reason.BAD_VALUE, "reads"),
        (message("tag_read", {"reads": [{"tag": "AB12"}] * 1001}), Reason.TOO_MANY, "reads"),
        (message("tag_read", {"reads": [{"tag": "XYZ1"}]}), Reason.BAD_VALUE, "data.reads[0].tag"),
        (message("tag_read", {"reads": [{"count": 1}]}), Reason.MISSING_FIELD, "data.reads[0].tag"),
        (message("tag_read", {"reads": [7]}), Reason.BAD_VALUE, "data.reads[0]"),
    ],
)
def test_a_rejection_names_the_field(sent: dict[str, Any], reason: Reason, names: str) -> None:
    (record,) = read("zhian", sent)
    assert isinstance(record, Rejection)
    assert record.reason is reason
    assert names in record.detail


def test_a_rejection_never_repeats_what_was_sent() -> None:
    (record,) = read("zhian", message("passage", {"decision": "granted", "person_no": ["330421199001011234"]}))
    assert isinstance(record, Rejection)
    assert "3304" not in record.detail


def test_an_array_and_lines_give_the_same_records() -> None:
    sent = [message("sensor", {"smoke": True}, id=f"m-{number}") for number in range(5)]
    lines = "\n".join(map(json.dumps, sent))
    as_array = read("zhian", sent)
    assert len(as_array) == 5
    assert read("zhian", lines, content_type="application/x-ndjson") == as_array
    assert read("zhian", lines, content_type="application/json") == as_array
    assert read("zhian", f"\r\n{lines}\r\n\n", content_type="application/x-ndjson") == as_array


@pytest.mark.parametrize(
    "bad", ['{"id":', "7", '{"id":"a","id":"b","type":"heartbeat"}', '{"id":NaN}', '{"id" :"a","id":"b"}']
)
def test_a_bad_line_costs_only_itself(bad: str) -> None:
    good = json.dumps({"id": "g", "type": "heartbeat"}, separators=(",", ":"))
    records = read("zhian", f"{good}\n{bad}\n{good}", content_type="application/x-ndjson")
    assert [isinstance(record, Observation) for record in records] == [True, False, True]


@pytest.mark.parametrize(
    "body",
    [
        '{"id":"a","type":"heartbeat","id":"b"}',
        '{"id" : "a","type":"heartbeat","id":"b"}',
        '{"id":"\\u0022:","type":"heartbeat","type":"door"}',
        '[{"id":"a","type":"sensor","data":{"smoke":true,"smoke":false}}]',
    ],
)
def test_a_key_that_occurs_twice_is_unparseable(body: str) -> None:
    assert reasons(read("zhian", body)) == ["unparseable"]


def test_text_that_looks_like_a_key_is_no_duplicate() -> None:
    sent = message("camera_event", {"type": "other", "detail": 'a":b \\" "c" : d'})
    assert one("zhian", sent).attributes["detail"] == 'a":b \\" "c" : d'


def test_more_records_than_the_cap_are_too_many() -> None:
    assert reasons(read("zhian", "{}\n" * 10_001, content_type="application/x-ndjson")) == ["too_many"]
    assert reasons(read("zhian", "[" + ",".join(["{}"] * 10_001) + "]")) == ["too_many"]


def test_the_topic_says_the_type() -> None:
    assert one("zhian", {"id": "a"}, topic="heartbeat").kind is EventKind.HEARTBEAT
    assert reasons(read("zhian", message("door", {"state": "opened"}), topic="sensor")) == ["bad_value"]


def test_a_topic_of_no_kind_is_an_unknown_message() -> None:
    assert reasons(read("zhian", {"state_topic": "x"}, topic="homeassistant/sensor/1/config")) == ["unknown_message"]


def test_the_bytes_of_a_message_nobody_knows_are_explained() -> None:
    assert reasons(read("zhian", "\n", content_type="application/x-ndjson")) == ["unparseable"]
    assert reasons(read("zhian", message("camera_event", {"type": "fire", "region": " "}))) == ["bad_value"]
    assert reasons(read("zhian", message("plate_read", {"plate": "x" * 33}))) == ["bad_value"]
    assert reasons(read("zhian", {"id": "a", "type": "sensor", "data": {"alarm": True}, "at": None})) == ["ok"]


def test_one_record_per_tag_read() -> None:
    reads = [
        {
            "tag": "e28011ab",
            "tag_kind": "uhf_tid",
            "antenna": 1,
            "rssi_dbm": -60.5,
            "last_seen": "2026-03-04T07:08:07+08:00",
        },
        {"tag": "no"},
        {"tag": "0042", "battery_low": True, "tamper": None, "count": 3},
    ]
    first, bad, last = read("zhian", message("tag_read", {"reads": reads}, seq=9, late=True))
    assert isinstance(first, Observation)
    assert isinstance(bad, Rejection)
    assert isinstance(last, Observation)
    assert (first.subject, first.key, first.serial, first.late) == ("E28011AB", "m-1.0", 9, True)
    assert first.occurred_at is not None
    assert first.occurred_at.timestamp() == 1772579287
    assert first.attributes == {
        "tag_kind": "uhf_tid", "antenna": 1, "rssi_dbm": -60.5, "last_seen": "2026-03-03T23:08:07Z"
    }  # fmt: skip
    assert (last.subject, last.key, last.attributes) == ("0042", "m-1.2", {"battery_low": True, "count": 3})
    assert last.occurred_at is not None
    assert last.occurred_at.timestamp() == 1772579289


def test_pictures_are_unwrapped_and_capped() -> None:
    plain = base64.b64encode(JPEG).decode()
    twice = base64.b64encode(("data:image/jpeg;base64," + plain).encode()).decode()
    sent = [
        {"label": "face", "content": plain},
        {"content": "data:image/jpeg;base64," + plain.rstrip("=")},
        {"label": "x", "content": twice},
        {"label": "y", "content": "not base64 at all!"},
        {"label": "z", "content": base64.b64encode(b"GIF89a").decode()},
    ]
    event = one("zhian", message("camera_event", {"type": "fire"}, pictures=sent))
    assert [(part.label, part.content) for part in event.pictures] == [("face", JPEG), ("picture", JPEG), ("x", JPEG)]
    assert event.attributes["pictures_dropped"] == 2
