"""Prices in their market: twice is once, a correction counts, and whoever waits for a low one is told once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from domain.community.prices.entry import Entry
from domain.community.prices.errors import PriceAlertExists, TooManyAlerts
from domain.community.prices.fetching import Turn, begin_fetch, fail_fetch, finish_fetch
from domain.community.prices.models import Market
from domain.community.prices.ports import Fetched
from domain.community.prices.rules import MOST_ALERTS, IndexValue, Quote, Source, today_in
from domain.community.prices.service import (
    create_alert,
    delete_alert,
    import_prices,
    record_price,
    withdraw_price,
)
from domain.kernel.actor import Actor, Role
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.uow import Database
from tests.db.community.test_attaching import acting, resident
from tests.factories.clock import Clock
from tests.factories.world import Person, World
from tests.workers.test_price_fetching import everywhere

ZONE = "Asia/Shanghai"
REACHED = "select payload from outbox_event where name = 'price_alert.reached' order by id"


def quote(day: date, name: str = "大白菜", fen: int = 120, number: int = 1, **fields: Any) -> Quote:
    return Quote(f"{day}-{name}-{number}", day, name, fen, fields.pop("unit", "斤"), **fields)


async def fetched(world: World, clock: Clock, *quotes: Quote, source: Source = Source.XINFADI) -> int:
    """Have these come from a source now; how many were new or changed."""
    clock.advance(days=1)
    async with world.database.unit_of_work(everywhere(world)) as uow:
        turn = await begin_fetch(uow, source=source, market="北京新发地")
        assert turn is not None
        return await finish_fetch(uow, turn, Fetched(quotes, (IndexValue(turn.last, "agriculture", 11568),)))


async def manager_of(world: World, compound: str) -> Person:
    return await world.with_role(Role.PROPERTY_MANAGER, compound)


async def withdrawn(database: Database, actor: Actor, price: int) -> bool:
    try:
        async with database.unit_of_work(actor) as uow:
            await withdraw_price(uow, price_id=price)
    except NotFound:
        return False
    return True


async def waits(database: Database, actor: Actor, market: int, below: int, name: str = "大白菜") -> int:
    async with database.unit_of_work(actor) as uow:
        return await create_alert(uow, market_id=market, name=name, below_fen=below)


async def told(superuser: asyncpg.Connection) -> list[tuple[str, int]]:
    payloads = [json.loads(row["payload"]) for row in await superuser.fetch(REACHED)]
    return [(said["goods"], said["fen"]) for said in payloads]


async def test_what_comes_again_changes_nothing_and_a_correction_counts(
    clocked: Database, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    day = today_in(ZONE, clock())
    one, other = quote(day), quote(day, "鸡蛋", 960, unit="盒")
    assert await fetched(world, clock, one, other, one) == 2
    assert await fetched(world, clock, one, other) == 0
    assert await fetched(world, clock, replace(one, average_fen=130), other) == 1
    rows = await superuser.fetch("select name, average_fen, jin_fen from price order by id")
    assert [tuple(row) for row in rows] == [("大白菜", 130, 130), ("鸡蛋", 960, None)]
    assert await superuser.fetchval("select count(*) from price_index") == 3
    assert await superuser.fetchval("select latest_on from market") == day


async def test_two_lists_of_one_market_in_another_order_both_arrive(
    clocked: Database, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    office = await acting(world, await world.with_role(Role.PROPERTY_STAFF, "a111"))
    lines = [f"菜{number},1.{number:02}" for number in range(60)]
    day = today_in(ZONE, clock())

    async def bring(order: list[str]) -> int:
        async with clocked.unit_of_work(office) as uow:
            csv = "\n".join(["品名,价格", *order])
            done = await import_prices(uow, compound_id=world.areas["a111"], day=day, csv=csv, preview=False)
        return done.stored

    stored = await asyncio.gather(*(bring(lines[::way]) for way in (1, -1, 1, -1)))
    assert sorted(stored) == [0, 0, 0, 60]
    assert await superuser.fetchval("select count(*) from price") == 60


async def test_of_two_workers_one_fetches_and_after_a_failure_it_waits(
    clocked: Database, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    async def turn() -> Turn | None:
        async with clocked.unit_of_work(everywhere(world)) as uow:
            return await begin_fetch(uow, source=Source.MOA, market="m")

    turns = [each for each in await asyncio.gather(*(turn() for _ in range(4))) if each is not None]
    assert len(turns) == 1
    async with clocked.unit_of_work(everywhere(world)) as uow:
        await fail_fetch(uow, turns[0], code="UNAVAILABLE")
    assert await turn() is None
    clock.advance(minutes=10)
    again = await turn()
    assert again is not None
    async with clocked.unit_of_work(everywhere(world)) as uow:
        await fail_fetch(uow, again, code="UNAVAILABLE")
    clock.advance(minutes=19)
    assert await turn() is None
    assert await superuser.fetchval("select failed || attempts from market") == "UNAVAILABLE2"
    clock.advance(minutes=1)
    third = await turn()
    assert third is not None
    assert await turn() is None
    clock.advance(minutes=15)  # a worker that died holds it no longer
    fourth = await turn()
    assert fourth is not None
    async with clocked.unit_of_work(everywhere(world)) as uow:
        assert await finish_fetch(uow, fourth, Fetched()) == 0  # no market today
    assert await superuser.fetchval("select latest_on is null and failed is null and due_at > $1 from market", clock())


async def test_who_waits_is_told_once_and_again_after_the_price_rose(
    clocked: Database, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    day = today_in(ZONE, clock())
    await fetched(world, clock, quote(day, fen=150))
    market = await superuser.fetchval("select id from market")
    actor = await resident(world)
    await waits(clocked, actor, market, 120)

    async def on(days: int, *prices: int) -> list[tuple[str, int]]:
        on_day = day + timedelta(days=days)
        await fetched(world, clock, *(quote(on_day, fen=fen, number=n) for n, fen in enumerate(prices)))
        return await told(superuser)

    assert await on(1, 120, 130) == []  # not below
    assert await on(2, 130, 119) == [("大白菜", 119)]  # the cheapest of the name counts
    assert await on(2, 130, 118) == [("大白菜", 119)]  # the same day again
    assert await on(3, 100) == [("大白菜", 119)]  # still low
    assert await on(4, 125) == [("大白菜", 119)]
    assert await on(5, 110) == [("大白菜", 119), ("大白菜", 110)]
    assert await on(1, 1) == [("大白菜", 119), ("大白菜", 110)]  # a late correction of an older day


async def test_alerts_are_ones_own_and_so_many(clocked: Database, world: World, clock: Clock) -> None:
    await fetched(world, clock, quote(today_in(ZONE, clock())))
    async with clocked.reader(everywhere(world).scope) as reader:
        market = await reader.scalar(select(Market.id))
    actor, other = await resident(world), await resident(world)
    first = await waits(clocked, actor, market, 100)
    with pytest.raises(PriceAlertExists):
        await waits(clocked, actor, market, 90)
    with pytest.raises(NotFound):
        async with clocked.unit_of_work(other) as uow:
            await delete_alert(uow, alert_id=first)

    async def one(number: int) -> bool:
        try:
            await waits(clocked, actor, market, 100, f"菜{number}")
        except TooManyAlerts:
            return False
        return True

    made = await asyncio.gather(*(one(number) for number in range(MOST_ALERTS + 2)))
    assert sum(made) == MOST_ALERTS - 1
    async with clocked.unit_of_work(actor) as uow:
        await delete_alert(uow, alert_id=first)
    assert await one(99)


async def test_the_office_keeps_its_own_market_and_its_residents_wait_there(
    clocked: Database, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    office = await acting(world, await world.with_role(Role.PROPERTY_STAFF, "a111"))
    elsewhere = await acting(world, await world.with_role(Role.PROPERTY_MANAGER, "a112"))
    living, neighbour = await resident(world), await resident(world, "a112/1")
    today = today_in(ZONE, clock())

    async def enter(fen: int, day: date = today, by: Actor = office) -> int:
        async with clocked.unit_of_work(by) as uow:
            return await record_price(
                uow, compound_id=world.areas["a111"], entry=Entry(day=day, name="菠菜", average_fen=fen)
            )

    first = await enter(300)
    assert await enter(310) == first
    with pytest.raises(NotFound):
        await enter(1, by=elsewhere)
    market = await superuser.fetchval("select id from market where compound_id = $1", world.areas["a111"])
    with pytest.raises(NotFound):
        await waits(clocked, neighbour, market, 200, "菠菜")
    with pytest.raises(Forbidden):
        await waits(clocked, office, market, 200, "菠菜")
    await waits(clocked, living, market, 200, "菠菜")
    await superuser.execute("update household set ended_at = now() where account_id = $1", living.account_id)
    await enter(150)
    assert await told(superuser) == []  # moved away
    await superuser.execute("update household set ended_at = null where account_id = $1", living.account_id)
    older = await enter(100, today - timedelta(days=1))
    assert await told(superuser) == []  # not the newest day
    await enter(140)
    assert await told(superuser) == [("菠菜", 140)]
    async with clocked.unit_of_work(office) as uow:
        await withdraw_price(uow, price_id=first)
    assert await superuser.fetchval("select latest_on from market") == today - timedelta(days=1)
    homely = await acting(world, await world.living_in("a111/2", person=await manager_of(world, "a112")))
    with pytest.raises(Forbidden):
        await enter(1, by=homely)
    both = await asyncio.gather(*(withdrawn(clocked, office, older) for _ in range(2)))
    assert sorted(both) == [False, True]
    older = await enter(100, today - timedelta(days=1))
    for by in (living, neighbour, homely):
        with pytest.raises((Forbidden, NotFound)):
            async with clocked.unit_of_work(by) as uow:
                await withdraw_price(uow, price_id=older)
