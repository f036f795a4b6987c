"""Handlers that call the outside: no transaction meanwhile, one key for all attempts, the tenant's scope."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import asyncpg
import pytest
from sqlalchemy import text

from domain.kernel.errors import Unavailable
from domain.kernel.relay import Claimed
from domain.kernel.uow import Database, UnitOfWork
from tests.workers.kit import Counting, HandClock, Something, effects, emit, seed_estate, states
from workers.handling import Inside, Outside
from workers.relay import Relay

OPEN = """select count(*) from pg_stat_activity
          where datname = current_database() and state like 'idle in transaction%'"""


@dataclass(slots=True)
class Port:
    """A provider that remembers the keys it saw and answers as told: "ok", "down", "silent" (took it, no answer)."""

    superuser: asyncpg.Connection
    answers: list[str]
    keys: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    open_transactions: list[int] = field(default_factory=list)

    async def send(self, _: Claimed, __: int, key: str) -> str:
        self.keys.append(key)
        self.open_transactions.append(await self.superuser.fetchval(OPEN))
        answer = self.answers.pop(0)
        if answer == "down":
            raise Unavailable
        self.taken.add(key)
        if answer == "silent":
            await asyncio.Event().wait()
        return "receipt"

    def handler(self) -> Outside[int, str]:
        async def prepare(_: UnitOfWork, event: Claimed) -> int | None:
            number: int = event.payload["number"]
            return number or None

        async def record(uow: UnitOfWork, event: Claimed, prepared: int, receipt: str) -> None:
            assert (prepared, receipt) == (event.payload["number"], "receipt")
            await Counting()(uow, event)

        return Outside("send", prepare, self.send, record, seconds=0.2)


@pytest.mark.parametrize("answers", [["ok"], ["down", "ok"], ["silent", "ok"], ["down", "silent", "silent", "ok"]])
async def test_the_call_is_made_outside_of_transactions_under_one_key_and_recorded_once(
    database: Database, clock: HandClock, superuser: asyncpg.Connection, answers: list[str]
) -> None:
    tries = len(answers)
    port = Port(superuser, answers)
    relay = Relay(database, {Something.name: (port.handler(),)})
    await emit(database, 7)

    for _ in range(tries):
        await relay.drain()
        clock.forward(minutes=1)

    assert await states(database) == [("done", tries)]
    assert await effects(database) == [7]
    assert len(port.keys) == tries
    assert len(set(port.keys)) == len(port.taken) == 1
    assert port.open_transactions == [0] * tries


async def test_nothing_to_do_is_recorded_without_a_call(database: Database, superuser: asyncpg.Connection) -> None:
    port = Port(superuser, [])
    await emit(database, 0)

    await Relay(database, {Something.name: (port.handler(),)}).drain()

    assert await states(database) == [("done", 1)]
    assert port.keys == []
    assert await superuser.fetchval("select handler from handled") == "send"


async def test_what_was_handled_is_not_called_again(
    database: Database, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    port, later = Port(superuser, ["ok"]), Counting(fail={7})
    relay = Relay(database, {Something.name: (port.handler(), later.handler("later"))})
    await emit(database, 7)
    await relay.drain()
    later.fail.clear()
    clock.forward(seconds=1)

    await relay.drain()

    assert len(port.keys) == 1
    assert await states(database) == [("done", 2)]


@pytest.mark.parametrize(
    ("compound_id", "county_wide", "seen"), [(4, False, [4]), (4, True, [1, 2, 3, 4, 5]), (None, True, [])]
)
async def test_a_handler_sees_its_events_compound_or_county_and_no_more(
    database: Database, superuser: asyncpg.Connection, compound_id: int | None, *, county_wide: bool, seen: list[int]
) -> None:
    await seed_estate(superuser)
    found: list[int] = []

    async def look(uow: UnitOfWork, _: Claimed) -> None:
        found.extend((await uow.session.execute(text("select id from area order by id"))).scalars())

    await emit(database, 1, compound_id=compound_id)
    await Relay(database, {Something.name: (Inside("look", look, county_wide=county_wide),)}).drain()

    assert found == seen
