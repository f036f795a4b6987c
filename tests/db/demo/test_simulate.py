"""The simulator against the real application and the real broker: everything it sends is stored as what it is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest

from api.app import create_app
from cli import demo
from cli.simulate.engine import Engine, Plan
from cli.simulate.fleet import Fleet
from cli.simulate.over_http import HttpSender
from cli.simulate.over_mqtt import MqttSender
from cli.simulate.scenarios import Name, Scenario, scenario
from cli.simulate.shot import Way, thing
from cli.simulate.writer import Writer
from integrations.bootstrap import Services, bootstrap
from integrations.devices.mqtt.broker import DeviceBroker
from integrations.devices.mqtt.intake import Intake
from integrations.settings import Settings
from tests.factories.patience import PATIENCE


@pytest.fixture
async def services(seeded: Settings) -> AsyncIterator[Services]:
    async with bootstrap(seeded) as made:
        yield made


@pytest.fixture
async def fleet(seeded: Settings) -> Fleet:
    return Fleet(tuple(thing(told) for told in (await demo.describe(seeded))["devices"]))


async def play(services: Services, fleet: Fleet, plan: Plan, *, mqtt: bool) -> Engine:
    """Play the plan against the application in this process, and against its broker when ``mqtt``."""
    async with AsyncExitStack() as stack:
        transport = httpx.ASGITransport(create_app(services))
        http = await stack.enter_async_context(HttpSender("http://127.0.0.1:8123", transport=transport))
        sender = None
        if mqtt:
            broker = DeviceBroker("127.0.0.1", 0, directory=services.directory, intake=Intake(services.intake))
            await broker.start()
            stack.push_async_callback(broker.close)
            sender = await stack.enter_async_context(MqttSender("127.0.0.1", broker.listening_port))
        engine = Engine(fleet, plan, http.send, sender.send if sender else None)
        await engine.run()
    return engine


@pytest.mark.parametrize("mqtt", [True, False])
async def test_everything_that_is_sent_on_an_ordinary_day_is_acknowledged_and_nothing_is_quarantined(
    services: Services, fleet: Fleet, superuser: asyncpg.Connection, mqtt: bool
) -> None:
    before = await superuser.fetchval("select coalesce(sum(received), 0) from ingest_tally")

    engine = await play(services, fleet, Plan(rate=150, seconds=2, scenario=Scenario(), seed=1), mqtt=mqtt)

    tally = engine.tally
    received, quarantined = await superuser.fetchrow("select sum(received), sum(quarantined) from ingest_tally")
    assert tally.sent > 200
    assert tally.acknowledged == tally.sent
    assert set(tally.outcomes) == ({"200", "PUBACK"} if mqtt else {"200"})
    assert received - before == tally.records
    assert quarantined == 0


RAISED = {
    Name.DAY: {},
    Name.FIRE: {"smoke": 6, "fire": 2},
    Name.THEFT: {"ebike_moved": 1},
    Name.FLOOD: {"water_leak": 7},
    Name.OUTAGE: {},
    Name.THROWN: {"thrown_object": 1, "fire_lane_blocked": 1},
}
LEFT_OPEN = {Name.FIRE: {"fire"}, Name.THEFT: {"ebike_moved"}, Name.THROWN: {"thrown_object"}}


@pytest.mark.parametrize("name", Name)
async def test_a_scenarios_incidents_raise_and_clear_their_alerts(
    services: Services, fleet: Fleet, superuser: asyncpg.Connection, name: Name
) -> None:
    await superuser.execute("truncate alert, alert_change, device_property, tag_presence, inbox")
    async with HttpSender("http://127.0.0.1:8123", transport=httpx.ASGITransport(create_app(services))) as http:
        writer = Writer(random.Random(1), f"s{name}", lambda: datetime.now(UTC))
        for incident in scenario(name, fleet).incidents:
            shot = incident.make(writer)
            assert shot.way is Way.MQTT or await http.send(shot) == "200"
            if shot.way is Way.MQTT:
                await _publish(services, shot.thing.number, shot.topic, shot.body)

    alerts = await superuser.fetch("select kind, count(*), bool_or(cleared_at is null) as open from alert group by 1")
    assert {row["kind"]: row["count"] for row in alerts} == RAISED[name]
    assert {row["kind"] for row in alerts if row["open"]} == LEFT_OPEN.get(name, set())


async def _publish(services: Services, number: int, topic: str, body: bytes) -> None:
    device = await services.directory.find(number)
    assert device is not None
    await services.intake.handle(device, topic, body)


async def test_arrivals_do_not_wait_for_answers(fleet: Fleet) -> None:
    gate = asyncio.Event()
    waiting = 0

    async def never_answers(_: object) -> str:
        nonlocal waiting
        waiting += 1
        if waiting == 50:
            gate.set()
        await gate.wait()
        return "200"

    engine = Engine(fleet, Plan(rate=500, seconds=1, scenario=Scenario(), seed=1), never_answers, None)
    async with asyncio.timeout(PATIENCE):
        await engine.run()

    assert engine.tally.sent == engine.tally.acknowledged > 200
