"""UHF readers of Impinj and Zebra."""

from __future__ import annotations

from typing import Any

import pytest

from domain.security.devices.observation import EventKind, Observation, Rejection
from integrations.devices import tags
from tests.unit.devices.samples import IMPINJ, ZEBRA, one, read

EPC = "301433E2DDC9414000000001"


def impinj(**read: Any) -> dict[str, Any]:
    return {**IMPINJ, "tagInventoryEvent": read}


def test_the_tid_stands_before_the_clonable_epc() -> None:
    event = one("impinj", IMPINJ)
    assert event.kind is EventKind.TAG_READ
    assert event.subject == "E2801160600002049A00B1C2"
    assert event.attributes == {
        "tag_kind": "uhf_tid", "epc": EPC, "antenna": 2, "rssi_dbm": -61.5, "last_seen": "2026-03-04T00:00:01.100000Z"
    }  # fmt: skip
    assert event.key == "impinj.E2801160600002049A00B1C2.2.2026-03-04T00:00:01.123456789Z"


@pytest.mark.parametrize(
    "sent",
    [
        {"epcHex": EPC.lower()},
        {"epc": "MBQz4t3JQUAAAAAB"},
        {"epc": "MBQz4t3JQUAAAAAB=="},
        {"epcHex": "", "epc": "MBQz4t3JQUAAAAAB"},
    ],
)
def test_an_epc_in_each_of_its_forms(sent: dict[str, Any]) -> None:
    event = one("impinj", impinj(**sent))
    assert (event.subject, event.attributes["tag_kind"]) == (EPC, "uhf_epc")


def test_base64url_with_and_without_padding() -> None:
    assert tags.from_base64url("4oARYGAAAgpmgfI_") == "E28011606000020A6681F23F"
    assert tags.from_base64url("AAEC-w") == tags.from_base64url("AAEC-w==") == "000102FB"
    assert tags.from_base64url("!") is None
    assert tags.from_base64url("é") is None


def test_reads_a_nanosecond_apart_are_two() -> None:
    later = {**IMPINJ, "timestamp": "2026-03-04T00:00:01.123456790Z"}
    first, second, repeat = read("impinj", [IMPINJ, later, IMPINJ])
    assert isinstance(first, Observation)
    assert isinstance(second, Observation)
    assert isinstance(repeat, Observation)
    assert first.key != second.key
    assert first.key == repeat.key


def test_impinj_other_events() -> None:
    assert (
        one("impinj", {"eventType": "inventoryStatus", "timestamp": "2026-03-04T00:00:01Z"}).kind is EventKind.HEARTBEAT
    )
    records = read("impinj", [{"eventType": "tagLocation"}, impinj(antennaPort=1), 5])
    assert all(isinstance(record, Rejection) for record in records)
    assert len(records) == 3


def test_a_zebra_batch() -> None:
    event = one("zebra", ZEBRA)
    assert event.subject == "3014AABBCCDDEEFF00112233"
    assert event.attributes == {
        "tag_kind": "uhf_epc", "rssi_dbm": -48, "count": 3, "last_seen": "2026-03-04T00:00:01Z"
    }  # fmt: skip
    assert event.key == "zebra.3014AABBCCDDEEFF00112233.-.2026-03-04T00:00:01.000Z.9"


def test_a_zebra_simple_event_with_an_epoch() -> None:
    sent = {"type": "SIMPLE", "timestamp": 1767225600123, "data": {"idHex": "e280aa", "antenna": 3, "peakRssi": -70}}
    event = one("zebra", [sent])
    assert event.subject == "E280AA"
    assert event.occurred_at is not None
    assert event.occurred_at.timestamp() == 1767225600.123
    assert event.attributes["antenna"] == 3


def test_zebra_what_cannot_be_a_read_costs_only_itself() -> None:
    sent = {**ZEBRA, "data": {"tagData": [{"eventNum": 1}, {"EPC": "zz"}, {"EPC": "E280AA", "TID": "E2003412AA"}]}}
    first, second, third = read("zebra", sent)
    assert isinstance(first, Rejection)
    assert isinstance(second, Rejection)
    assert isinstance(third, Observation)
    assert (third.subject, third.attributes["epc"]) == ("E2003412AA", "E280AA")
    assert one("zebra", {"type": "heartBeat", "timestamp": 1767225600123}).kind is EventKind.HEARTBEAT
    for empty in ({"data": {"tagData": []}}, {"type": "x"}, [], [3]):
        assert isinstance(read("zebra", empty)[0], Rejection)
