"""No bytes make a parser fail: every message gives at least one record, and faults of a parser surface here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.security.devices.observation import Observation, Reason, Record, Rejection
from integrations.devices import registry
from tests.unit.devices.samples import JPEG, MESSAGES, ZONE, access, multipart, read

VENDORS = sorted(MESSAGES)
CONTENT_TYPES = st.sampled_from(
    ["", "application/json", "text/xml; charset=GBK", "application/x-ndjson", "multipart/form-data; boundary=cut",
     "multipart/mixed", "application/json; charset=utf-16"]
)  # fmt: skip
TOPICS = st.sampled_from(
    [None, "sensor", "zigbee2mqtt/Hall", "zigbee2mqtt/bridge/state", "tasmota/tele/LWT", "v1/gateway/telemetry",
     "v1/gateway/connect", "/", "tag_read"]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
REALISTIC_NAMES = st.sampled_from(
    ["AccessControllerEvent", "majorEventType", "subEventType", "serialNo", "dateTime", "time", "eventType", "AcsEvent",
     "InfoList", "ANPR", "licensePlate", "HealthInfo", "healthCode", "currTemperature", "DetectionRegionList",
     "ZbReceived", "0500<00", "ZoneStatusChange", "ts", "values", "messageType", "payload", "APPdata", "serviceData",
     "deviceId", "IMEI", "tagInventoryEvent", "epc", "tagData", "data", "reads", "id", "type", "at", "tag", "smoke",
     "last_seen", "device", "timestamp", "eventNum", "pictures", "content", "action", "UUID", "currentEvent"]
)  # fmt: skip
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(REALISTIC_NAMES | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=25,
)


def check(records: list[Record]) -> None:
    assert records
    for record in records:
        assert isinstance(record, Observation | Rejection)
        if isinstance(record, Observation):
            assert record.occurred_at is None or record.occurred_at.tzinfo is not None
            assert record.key is None or (record.key and "\x00" not in record.key)
            assert record.subject is None or record.subject
            assert all(value is not None for name, value in record.attributes.items() if name != "plate")
        else:
            assert record.detail


@pytest.mark.parametrize("vendor", VENDORS)
@given(body=st.binary(max_size=200), content_type=CONTENT_TYPES, topic=TOPICS)
@settings(max_examples=60, deadline=None)
def test_random_bytes(vendor: str, body: bytes, content_type: str, topic: str | None) -> None:
    check(read(vendor, body, content_type=content_type, topic=topic))


@pytest.mark.parametrize("vendor", VENDORS)
@given(document=DOCUMENTS, topic=TOPICS)
@settings(max_examples=150, deadline=None)
def test_json_of_the_vendors_words_in_any_order(vendor: str, document: Any, topic: str | None) -> None:
    check(read(vendor, document, topic=topic))


@pytest.mark.parametrize("vendor", VENDORS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_real_shapes_cut_and_changed(vendor: str, data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(MESSAGES[vendor])).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(body[: data.draw(st.integers(0, len(body)))])
    check(read(vendor, cut, content_type=data.draw(CONTENT_TYPES), topic=data.draw(TOPICS)))


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_multipart_cut_and_changed(data: st.DataObject) -> None:
    sent, content_type = multipart(
        ("event_log", "application/json", MESSAGES["hikvision"][0].encode()), ("Picture", "image/jpeg", JPEG)
    )
    body = bytearray(sent)
    for _ in range(data.draw(st.integers(0, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    check(read("hikvision", bytes(body[: data.draw(st.integers(0, len(body)))]), content_type=content_type))


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    "body",
    [
        b"<a>" * 100_000,
        b"<a>" * 100_000 + b"</a>" * 100_000,
        b"<a>" + b"<b/>" * 100_000 + b"</a>",
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 1000 + b"]" * 1000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b'{"a" :' * 1000 + b"1" + b"}" * 1000,
        b'{"id":NaN}',
        b"\xff\xfe{\x00",
        b"\xef\xbb\xbf",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b"--\r\n\r\n",
        b"--cut",
        b"",
        b" \r\n\t",
        b"\x00" * 64,
    ],
    ids=range(17),
)
def test_hostile_bodies_are_rejected(vendor: str, body: bytes) -> None:
    for content_type in (
        "application/json",
        "application/xml",
        "application/x-ndjson",
        "multipart/mixed; boundary=cut",
    ):
        records = read(vendor, body, content_type=content_type)
        assert records
        assert all(isinstance(record, Rejection) for record in records)


def test_a_body_over_the_cap_is_too_large() -> None:
    (record,) = read("zhian", b" " * (10 * 1024 * 1024 + 1))
    assert isinstance(record, Rejection)
    assert record.reason is Reason.TOO_LARGE


def test_an_unknown_vendor_is_rejected() -> None:
    (record,) = read("nobody", b"{}")
    assert isinstance(record, Rejection)
    assert record.reason is Reason.UNKNOWN_SOURCE


def test_a_fault_of_a_parser_is_quarantined(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(_: object) -> list[Record]:
        raise KeyError("a bug")

    monkeypatch.setitem(registry._PARSERS, "zhian", faulty)
    (record,) = registry.parse("zhian", b"{}", content_type="application/json", topic=None, timezone=ZONE)
    assert record == Rejection(Reason.UNPARSEABLE, "the parser failed on this message; it is kept for a corrected one")
    with pytest.raises(KeyError):
        read("zhian", b"{}")


@pytest.mark.parametrize("vendor", VENDORS)
def test_parse_reads_every_vendors_message(vendor: str) -> None:
    for message in MESSAGES[vendor]:
        records = registry.parse(vendor, message.encode(), content_type="", topic=None, timezone=ZONE)
        assert all(isinstance(record, Observation) for record in records), records


def test_the_reply_is_empty_unless_a_door_waits() -> None:
    assert registry.reply("hikvision", read("hikvision", access())) == (200, "text/plain", b"")
    assert registry.reply("zhian", read("zhian", b"?")) == (200, "text/plain", b"")
    waiting = read("hikvision", access(remoteCheck=True))
    assert registry.reply("hikvision", waiting) == (
        200,
        "application/json",
        b'{"RemoteCheck":{"serialNo":4711,"checkResult":"failed"}}',
    )
    unnumbered = read("hikvision", access(remoteCheck="true", serialNo=None))
    assert registry.reply("hikvision", unnumbered)[2] == b'{"RemoteCheck":{"checkResult":"failed"}}'
