"""The daily fetching: once a day, again after a failure, beside the schedule; and the push of a low price."""

from __future__ import annotations

import asyncio
from datetime import date

import asyncpg

from domain.community.prices.events import PriceAlertReached
from domain.community.prices.ports import Fetched
from domain.community.prices.rules import Quote, Source
from domain.kernel.actor import Actor, Scope, system_actor
from domain.kernel.errors import Unavailable
from domain.kernel.uow import Database
from tests.factories.world import World
from tests.workers.kit import SYSTEM, HandClock, seed_account, seed_estate
from tests.workers.test_notifications import Phones, table
from workers.prices import fetch_prices, price_step
from workers.relay import Relay


def everywhere(world: World) -> Actor:
    """The system over all counties of a world."""
    return system_actor(Scope(counties=tuple(number for name, number in world.areas.items() if len(name) == 1)))


class Publishes:
    """A source with one price for each day it is asked for. away: it does not answer. hold: it answers after that."""

    source = Source.XINFADI
    market = "北京新发地"

    def __init__(self) -> None:
        self.away = False
        self.asked: list[tuple[date, date]] = []
        self.hold: asyncio.Event | None = None

    async def fetch(self, first: date, last: date) -> Fetched:
        self.asked.append((first, last))
        if self.hold is not None:
            await self.hold.wait()
        if self.away:
            raise Unavailable
        return Fetched((Quote(f"{last}", last, "大白菜", 120, "斤"),))


async def test_a_source_is_asked_once_a_day_and_again_after_a_failure(
    database: Database, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    source = Publishes()
    assert await fetch_prices(database, [source]) == 0  # there is no county yet, so nobody to know a price
    await seed_estate(superuser)
    source.away = True
    assert await fetch_prices(database, [source]) == 0
    clock.forward(minutes=9)
    assert await fetch_prices(database, [source]) == 0
    assert len(source.asked) == 1
    clock.forward(minutes=1)
    source.away = False
    assert await fetch_prices(database, [source]) == 1
    assert await superuser.fetchval("select failed is null and attempts = 0 from market")
    for _ in range(24):
        clock.forward(hours=1)
        await fetch_prices(database, [source])
    assert len(source.asked) == 3
    assert source.asked[-1] == (date(2030, 5, 6), date(2030, 5, 7))


async def test_it_goes_on_beside_the_schedule(
    database: Database, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    await seed_estate(superuser)
    source = Publishes()
    source.hold = asyncio.Event()
    step = price_step([source])
    assert await step.run(database) == 0
    assert await step.run(database) == 0
    source.hold.set()
    (task,) = (task for task in asyncio.all_tasks() if task.get_coro().__name__ == "_beside")  # type: ignore[union-attr]
    await task
    assert len(source.asked) == 1
    assert await superuser.fetchval("select name from price") == "大白菜"
    assert await price_step([]).run(database) == 0


async def test_a_low_price_is_pushed_once_in_the_accounts_language(
    database: Database, superuser: asyncpg.Connection
) -> None:
    await seed_account(superuser, 101)
    await seed_account(superuser, 102, language="en")
    await seed_account(superuser, 103, disabled=True)
    phones = Phones(refuse=1)
    async with database.unit_of_work(SYSTEM) as uow:
        for account in (101, 102, 103):
            uow.emit(PriceAlertReached(account, account, 9, "大白菜", 98, 120, "2030-05-06"))
    relay = Relay(database, table(phones))
    await relay.drain()
    await superuser.execute("update outbox_event set due_at = '2030-05-06T07:00:00Z'")
    await relay.drain()
    said = {push.account_id: (push.title, push.body, push.link) for push in phones.taken.values()}
    assert said == {
        101: ("大白菜降价了", "2030-05-06 每500克 0.98 元，低于您设置的 1.20 元", "zhian://prices/9"),
        102: (
            "大白菜 got cheaper",
            "¥0.98 for 500 g on 2030-05-06, below the ¥1.20 you wait for",
            "zhian://prices/9",
        ),
    }
    assert {push.collapse for push in phones.taken.values()} == {"price-101", "price-102"}
    assert await superuser.fetchval("select count(*) from outbox_event where state = 'done'") == 3
