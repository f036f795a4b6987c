"""From a device's message to what people are told: the alert, its change and the outbox row in the event's commit."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from domain.kernel.uow import News
from domain.security.devices.models import DeviceKind
from tests.factories.ingest import Ingest, Speaker
from tests.factories.mqtt import broker, publish

ON, OFF = b'{"smoke":true,"linkquality":80}', b'{"smoke":false,"linkquality":81}'


async def kitchen(ingest: Ingest) -> tuple[Speaker, Speaker]:
    """A Zigbee2MQTT hub and the smoke sensor behind it, which guards a home."""
    hub = await ingest.device("zigbee2mqtt", kind=DeviceKind.GATEWAY)
    return hub, await ingest.behind(hub, "Kitchen", home_id=ingest.world.homes["a111/1"], place="3栋")


async def rows(ingest: Ingest, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await ingest.stored.fetch(f"select * from {table} order by id")]


async def smoke(ingest: Ingest, hub: Speaker, *payloads: bytes) -> None:
    async with broker(ingest.services) as port:
        await publish(port, hub, [("zigbee2mqtt/Kitchen", payload) for payload in payloads])


async def test_smoke_is_event_alert_change_and_outbox_in_one_transaction(ingest: Ingest) -> None:
    hub, sensor = await kitchen(ingest)

    await smoke(ingest, hub, ON, ON, ON)

    (event,) = await rows(ingest, "event")
    (alert,) = await rows(ingest, "alert")
    (change,) = await rows(ingest, "alert_change")
    (told,) = await rows(ingest, "outbox_event")
    assert event["xid"] == change["xid"]
    assert (alert["kind"], alert["severity"], alert["device_id"]) == ("smoke", 4, sensor.id)
    assert (alert["event_id"], alert["home_id"]) == (event["id"], ingest.world.homes["a111/1"])
    assert json.loads(alert["audience"]) == ["home", "staff", "police"]
    assert json.loads(alert["explanation"])["because"] == {"property": "smoke", "value": True}
    assert (change["change"], change["alert_id"]) == ("raised", alert["id"])
    assert told["compound_id"] == alert["compound_id"]
    assert await ingest.tally("mqtt") == {"received": 3, "stored": 1, "duplicate": 2, "quarantined": 0, "late": 0}


async def test_the_end_of_the_smoke_clears_the_alert_and_new_smoke_raises_another(ingest: Ingest) -> None:
    hub, _ = await kitchen(ingest)

    await smoke(ingest, hub, ON, OFF, OFF, ON)

    first, second = await rows(ingest, "alert")
    assert (first["cleared_because"], second["cleared_at"]) == ("smoke=false", None)
    assert [change["change"] for change in await rows(ingest, "alert_change")] == ["raised", "cleared", "raised"]


async def test_news_is_told_after_the_commit(ingest: Ingest) -> None:
    hub, _ = await kitchen(ingest)
    heard: list[News] = []

    with ingest.services.hear(heard.append):
        await smoke(ingest, hub, ON)

    (told,) = [news for news in heard if "alerts" in news.topics]
    assert told.topics == {"alerts", "events", "outbox"}
    assert told.compounds == {hub.compound_id}


async def test_when_the_commit_fails_there_is_no_half_of_it(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = await ingest.device("zhian")
    body = {"id": "f", "type": "sensor", "data": {"smoke": True}}

    def gone(*_: object) -> None:
        raise asyncpg.ConnectionDoesNotExistError("gone before the commit")

    with monkeypatch.context() as broken:
        broken.setattr("domain.security.events.flush._count", gone)  # after everything is written
        first = await ingest.client.post("/devices/events", json=body, headers=gate.bearer)
    tables = ("event", "alert", "alert_change", "outbox_event", "inbox", "raw_message", "ingest_tally")
    before = [await ingest.count(table) for table in tables]
    again = await ingest.client.post("/devices/events", json=body, headers=gate.bearer)

    assert (first.status_code, again.status_code) == (503, 200)
    assert before == [0] * len(tables)
    assert [await ingest.count(table) for table in tables] == [1] * len(tables)


async def test_the_order_of_a_hubs_messages_holds_while_its_devices_are_looked_up(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _ = await kitchen(ingest)
    device = await ingest.services.directory.find(hub.id)
    assert device is not None
    behind, asked = ingest.services.directory.behind, 0

    async def slow_at_first(gateway: Any, name: str) -> Any:
        nonlocal asked
        asked += 1
        found = await behind(gateway, name)
        for _ in range(20 if asked == 1 else 0):
            await asyncio.sleep(0)
        return found

    monkeypatch.setattr(ingest.services.directory, "behind", slow_at_first)
    handle = ingest.services.intake.handle
    await asyncio.gather(*(handle(device, "zigbee2mqtt/Kitchen", payload) for payload in (ON, OFF, ON, OFF)))

    assert [json.loads(event["attributes"])["smoke"] for event in await ingest.events()] == [True, False, True, False]
    assert [alert["cleared_because"] for alert in await rows(ingest, "alert")] == ["smoke=false"] * 2
