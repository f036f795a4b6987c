"""What devices are answered: counts with reasons by their contract, nothing by their own, never an open door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.security.devices.models import DeviceKind
from tests.factories.ingest import Ingest
from tests.unit.devices.samples import access

SMOKE = {"id": "s-1", "type": "sensor", "data": {"smoke": True}}


async def test_the_answer_counts_and_explains_by_index(ingest: Ingest) -> None:
    gate = await ingest.device()
    door = {"id": "d-1", "type": "door", "data": {"state": "opened"}}

    said = await ingest.say(gate, door, {"id": "d-2", "type": "door"}, door, {"type": "nothing"}, SMOKE)

    assert said == {
        "received": 5,
        "stored": 2,
        "duplicate": 1,
        "quarantined": 2,
        "rejected": [
            {"index": 1, "reason": "missing_field", "detail": "data.state"},
            {"index": 3, "reason": "unknown_message", "detail": said["rejected"][1]["detail"]},
        ],
    }
    assert await ingest.quarantined() == [(r["reason"], r["detail"]) for r in said["rejected"]]


async def test_a_name_that_no_device_has_is_explained_too(ingest: Ingest) -> None:
    hub = await ingest.device("zhian", kind=DeviceKind.GATEWAY)
    kitchen = await ingest.behind(hub, "kitchen")

    said = await ingest.say(hub, SMOKE | {"source": "kitchen"}, SMOKE | {"id": "s-2", "source": "attic"})

    assert (said["stored"], [r["index"] for r in said["rejected"]]) == (1, [1])
    assert await ingest.quarantined() == [("unknown_source", "no device 'attic' behind this hub")]
    assert [event["device_id"] for event in await ingest.events()] == [kitchen.id]


async def test_a_device_that_is_no_hub_speaks_for_itself(ingest: Ingest) -> None:
    gate = await ingest.device()

    await ingest.say(gate, SMOKE | {"source": "anything"})

    assert [event["device_id"] for event in await ingest.events()] == [gate.id]


@pytest.mark.parametrize("granted", [True, False])
async def test_a_waiting_door_is_told_to_stay_shut(ingest: Ingest, granted: bool) -> None:
    gate = await ingest.device("hikvision")
    event = access(5, 75 if granted else 76, remoteCheck=True, serialNo=77)

    first, again = [await ingest.push(gate, event) for _ in range(2)]

    for answer in (first, again):
        assert answer.status_code == 200
        assert answer.json() == {"RemoteCheck": {"serialNo": 77, "checkResult": "failed"}}
    assert await ingest.count("event") == 1


async def test_every_other_answer_to_a_vendors_device_is_empty(ingest: Ingest) -> None:
    gate = await ingest.device("hikvision")

    for body in (access(), [access(serialNo=2)], {"UserInfo": {}}, b"no json"):
        answer = await ingest.push(gate, body)
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "late",
    [
        {"id": "x", "type": "sensor", "late": True, "data": {"smoke": True}},
        {"id": "x", "type": "door", "late": True, "data": {"state": "forced"}},
        {"id": "x", "type": "passage", "late": True, "data": {"decision": "refused", "temperature_c": 39.5}},
    ],
    ids=lambda message: message["type"],
)
async def test_late_records_are_stored_and_raise_nothing(ingest: Ingest, late: dict[str, Any]) -> None:
    gate = await ingest.device()
    at = (datetime.now(UTC) - timedelta(hours=3)).isoformat()

    said = await ingest.say(gate, late | {"at": at})

    (event,) = await ingest.events()
    assert (said["stored"], event["late"]) == (1, True)
    assert event["at"] == datetime.fromisoformat(at)
    assert [await ingest.count(table) for table in ("alert", "alert_change", "outbox_event")] == [0, 0, 0]
    assert (await ingest.tally())["late"] == 1
