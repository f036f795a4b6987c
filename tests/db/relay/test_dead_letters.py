"""Dead letters, the queue's figures, and forgetting what is done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel import relay
from domain.kernel.actor import NOTHING
from domain.kernel.relay import DeadLetter, OutboxFigures
from domain.kernel.uow import Database, News
from tests.workers.kit import SYSTEM, HandClock, Something, emit, states

LEASE = timedelta(seconds=30)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def heard() -> list[News]:
    return []


@pytest.fixture
def database(engine: AsyncEngine, clock: HandClock, heard: list[News]) -> Database:
    async def wake(news: News) -> None:
        heard.append(news)

    return Database(engine, clock=clock, wake=wake)


async def bury(database: Database, count: int) -> None:
    async with database.unit_of_work(SYSTEM) as uow:
        for claimed in await relay.claim(uow, (Something.name,), limit=count, lease=LEASE):
            await relay.bury(uow, claimed, error="ValueError at handlers.py:1 f")


async def test_dead_letters_are_listed_page_by_page(database: Database, clock: HandClock) -> None:
    await emit(database, 1, 2, 3)
    await bury(database, 2)

    async with database.reader(NOTHING) as reader:
        first = await relay.dead_letters(reader, first=1)
        second = await relay.dead_letters(reader, first=5, after=first[0].id)

    expected = DeadLetter(first[0].id, Something.name, None, clock.now, 1, "ValueError at handlers.py:1 f")
    assert first == [expected]
    assert [letter.id for letter in second] == [first[0].id + 1]


async def test_retrying_gives_fresh_attempts_and_wakes_the_relay(database: Database, heard: list[News]) -> None:
    await emit(database, 1, 2)
    await bury(database, 2)
    heard.clear()
    async with database.reader(NOTHING) as reader:
        letters = await relay.dead_letters(reader)

    async with database.unit_of_work(SYSTEM) as uow:
        assert await relay.retry_dead(uow, [letters[0].id]) == 1

    assert heard == [News(frozenset({"outbox"}))]
    assert await states(database) == [("pending", 0), ("dead", 1)]
    async with database.unit_of_work(SYSTEM) as uow:
        assert await relay.retry_dead(uow) == 1
        assert await relay.retry_dead(uow) == 0


async def test_figures_tell_pending_age_and_dead(database: Database, clock: HandClock) -> None:
    async with database.reader(NOTHING) as reader:
        assert await relay.figures(reader, clock.now) == OutboxFigures(0, 0.0, 0)
    await emit(database, 1)
    await bury(database, 1)
    clock.forward(seconds=5)
    await emit(database, 2, 3)
    clock.forward(seconds=7)

    async with database.reader(NOTHING) as reader:
        assert await relay.figures(reader, clock.now) == OutboxFigures(pending=2, oldest_seconds=7.0, dead=1)


async def test_done_events_are_forgotten_with_their_handled_rows_after_their_time(
    database: Database, clock: HandClock
) -> None:
    await emit(database, 1, 2, 3)
    async with database.unit_of_work(SYSTEM) as uow:
        first, second, _ = await relay.claim(uow, (Something.name,), limit=3, lease=LEASE)
        await relay.begin_handling(uow, first.id, "a")
        await relay.mark_done(uow, first)
        await relay.bury(uow, second, error="dead letters stay")
    clock.forward(days=7)
    await emit(database, 4)

    async with database.unit_of_work(SYSTEM) as uow:
        assert await relay.forget_done(uow, before=uow.now - timedelta(days=7), limit=10) == 0
        assert await relay.forget_done(uow, before=uow.now, limit=10) == 1

    assert await states(database) == [("dead", 1), ("pending", 1), ("pending", 0)]
    async with database.reader(NOTHING) as reader:
        assert await reader.scalar(text("select count(*) from handled")) == 0
