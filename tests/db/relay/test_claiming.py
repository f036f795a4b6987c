"""Claiming outbox rows: leases, races of real transactions, marks that come too late."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel import relay
from domain.kernel.relay import Claimed
from domain.kernel.uow import Database
from tests.factories.patience import PATIENCE
from tests.workers.kit import SYSTEM, HandClock, Something, emit, states

LEASE = timedelta(seconds=30)
NAMES = (Something.name,)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def database(engine: AsyncEngine, clock: HandClock) -> Database:
    return Database(engine, clock=clock)


async def claim(database: Database, limit: int = 10) -> list[Claimed]:
    async with database.unit_of_work(SYSTEM) as uow:
        return await relay.claim(uow, NAMES, limit=limit, lease=LEASE)


async def test_claims_the_oldest_first_and_only_once_while_leased(database: Database, clock: HandClock) -> None:
    for number in (1, 2, 3):
        await emit(database, number)
        clock.forward(seconds=1)

    first, rest, none = await claim(database, 2), await claim(database), await claim(database)

    assert [e.payload["number"] for e in first] == [1, 2]
    assert [e.payload["number"] for e in rest] == [3]
    assert none == []
    assert {e.attempts for e in first + rest} == {1}


async def test_two_open_transactions_claim_different_rows_without_waiting(database: Database) -> None:
    await emit(database, *range(5))

    async with database.unit_of_work(SYSTEM) as one, database.unit_of_work(SYSTEM) as other:
        mine = await relay.claim(one, NAMES, limit=3, lease=LEASE)
        theirs = await asyncio.wait_for(relay.claim(other, NAMES, limit=5, lease=LEASE), PATIENCE)

    assert sorted(e.payload["number"] for e in mine + theirs) == list(range(5))
    assert len(mine) == 3


async def test_a_claim_that_is_rolled_back_leaves_the_row_due(database: Database) -> None:
    await emit(database, 1)

    async def claim_and_fail() -> None:
        async with database.unit_of_work(SYSTEM) as uow:
            await relay.claim(uow, NAMES, limit=1, lease=LEASE)
            raise RuntimeError("worker lost")

    with pytest.raises(RuntimeError, match="worker lost"):
        await claim_and_fail()

    assert [e.attempts for e in await claim(database)] == [1]


async def test_after_the_lease_the_row_comes_back_and_the_late_mark_is_void(
    database: Database, clock: HandClock
) -> None:
    await emit(database, 1)
    (lost,) = await claim(database)
    clock.forward(seconds=29)
    assert await claim(database) == []
    clock.forward(seconds=1)
    (again,) = await claim(database)

    async with database.unit_of_work(SYSTEM) as uow:
        assert not await relay.mark_done(uow, lost)
        assert not await relay.put_back(uow, lost, delay=LEASE, error="late")
        assert not await relay.bury(uow, lost, error="late")
        assert await relay.mark_done(uow, again)

    assert again.attempts == 2
    assert await states(database) == [("done", 2)]


async def test_events_this_worker_does_not_know_are_left_alone(database: Database) -> None:
    await emit(database, 1)

    async with database.unit_of_work(SYSTEM) as uow:
        claimed = await relay.claim(uow, ("another.name",), limit=10, lease=LEASE)

    assert claimed == []
    assert await states(database) == [("pending", 0)]


async def test_a_row_put_back_is_due_after_its_delay(database: Database, clock: HandClock) -> None:
    await emit(database, 1)
    (claimed,) = await claim(database)

    async with database.unit_of_work(SYSTEM) as uow:
        await relay.put_back(uow, claimed, delay=timedelta(seconds=4), error="x" * 2000)

    clock.forward(seconds=3.9)
    assert await claim(database) == []
    clock.forward(seconds=0.1)
    assert [e.attempts for e in await claim(database)] == [2]


async def test_handling_is_begun_once_per_handler(database: Database) -> None:
    await emit(database, 1)
    (event,) = await claim(database)

    async with database.unit_of_work(SYSTEM) as uow:
        assert not await relay.was_handled(uow, event.id, "a")
        assert await relay.begin_handling(uow, event.id, "a")
        assert await relay.begin_handling(uow, event.id, "b")
    async with database.unit_of_work(SYSTEM) as uow:
        assert not await relay.begin_handling(uow, event.id, "a")
        assert await relay.was_handled(uow, event.id, "a")


@pytest.mark.parametrize("first_fails", [True, False])
async def test_two_at_one_event_the_second_waits_for_the_first(database: Database, *, first_fails: bool) -> None:
    await emit(database, 1)
    (event,) = await claim(database)
    begun, finish = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with database.unit_of_work(SYSTEM) as uow:
            assert await relay.begin_handling(uow, event.id, "a")
            begun.set()
            await finish.wait()
            if first_fails:
                raise RuntimeError("rolled back")

    async def second() -> bool:
        await begun.wait()
        async with database.unit_of_work(SYSTEM) as uow:
            return await relay.begin_handling(uow, event.id, "a")

    one, other = asyncio.create_task(first()), asyncio.create_task(second())
    await begun.wait()
    done, _ = await asyncio.wait({other}, timeout=0.2)
    assert not done
    finish.set()
    await asyncio.gather(one, return_exceptions=True)

    assert await other is first_fails
