"""The relay: every event handled once, whatever fails in between."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.kernel import relay as queue
from domain.kernel.actor import NOTHING
from domain.kernel.errors import Unavailable
from domain.kernel.relay import Claimed
from domain.kernel.uow import Database, UnitOfWork
from integrations.postgres import create_engine
from tests.workers.kit import SYSTEM, Counting, HandClock, Something, effects, emit, states
from workers.handling import Inside
from workers.relay import Patience, Relay, describe


async def test_an_event_is_handled_once_and_marked_done(database: Database) -> None:
    await emit(database, 1, 2)
    relay = Relay(database, {Something.name: (Counting().handler(),)})

    assert await relay.drain() == 2
    assert await relay.drain() == 0

    assert await effects(database) == [1, 2]
    assert await states(database) == [("done", 1), ("done", 1)]


async def test_an_event_nobody_waits_for_is_done_and_an_unknown_one_stays(database: Database) -> None:
    await emit(database, 1)

    assert await Relay(database, {"another.name": ()}).drain() == 0
    assert await Relay(database, {Something.name: ()}).drain() == 1

    assert await states(database) == [("done", 1)]


async def test_two_relays_share_the_work_and_double_nothing(database: Database, database_url: str) -> None:
    numbers = list(range(150))
    await emit(database, *numbers)
    engine = create_engine(database_url)
    table = {Something.name: (Counting().handler(),)}

    worked = await asyncio.gather(
        Relay(database, table).drain(), Relay(Database(engine, clock=database.clock), table).drain()
    )
    await engine.dispose()

    assert sum(worked) == 150
    assert min(worked) > 0
    assert await effects(database) == numbers
    assert set(await states(database)) == {("done", 1)}


async def test_lost_between_handling_and_marking_it_comes_back_and_is_not_done_again(
    database: Database, clock: HandClock
) -> None:
    await emit(database, 1)
    handler = Counting().handler()
    async with database.unit_of_work(SYSTEM) as uow:
        (claimed,) = await queue.claim(uow, (Something.name,), limit=1, lease=Patience().lease)
    await handler.handle(database, claimed)

    relay = Relay(database, {Something.name: (handler,)})
    assert await relay.drain() == 0
    clock.forward(seconds=30)
    assert await relay.drain() == 1

    assert await effects(database) == [1]
    assert await states(database) == [("done", 2)]


KILLED = """
import asyncio, os, signal, sys
from domain.kernel import relay as queue
from domain.kernel.uow import Database
from integrations.postgres import create_engine
from tests.workers.kit import Counting, HandClock, Something
from workers.relay import Relay

async def die(*_): os.kill(os.getpid(), signal.SIGKILL)

queue.mark_done = die
database = Database(create_engine(sys.argv[1]), clock=HandClock())
asyncio.run(Relay(database, {Something.name: (Counting().handler(),)}).drain())
"""


async def test_a_worker_killed_before_marking_loses_and_doubles_nothing(
    database: Database, database_url: str, clock: HandClock
) -> None:
    await emit(database, 1)

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, database_url)
    assert await process.wait() == -signal.SIGKILL
    assert await states(database) == [("pending", 1)]
    clock.forward(seconds=30)
    await Relay(database, {Something.name: (Counting().handler(),)}).drain()

    assert await effects(database) == [1]
    assert await states(database) == [("done", 2)]


async def test_poison_becomes_a_dead_letter_after_its_attempts_and_holds_nobody_up(
    database: Database, clock: HandClock
) -> None:
    counting = Counting(fail={1})
    relay = Relay(database, {Something.name: (counting.handler(),)}, patience=Patience(most_attempts=3))
    await emit(database, 1, 2)

    runs = 0
    while (await states(database))[0][0] == "pending":
        runs += 1
        await relay.drain()
        clock.forward(hours=1)

    assert runs == 3
    assert await states(database) == [("dead", 3), ("done", 1)]
    assert await effects(database) == [2]
    async with database.reader(NOTHING) as reader:
        (letter,) = await queue.dead_letters(reader)
    assert letter.last_error is not None
    assert letter.last_error.startswith("RuntimeError at kit.py:")
    assert "poison" not in letter.last_error


async def test_a_dead_letter_tried_again_after_the_repair_is_handled(database: Database) -> None:
    counting = Counting(fail={1})
    relay = Relay(database, {Something.name: (counting.handler(),)}, patience=Patience(most_attempts=1))
    await emit(database, 1)
    await relay.drain()

    counting.fail.clear()
    async with database.unit_of_work(SYSTEM) as uow:
        await queue.retry_dead(uow)
    await relay.drain()

    assert await effects(database) == [1]
    assert await states(database) == [("done", 1)]


async def test_an_event_that_kills_its_workers_is_buried_untried(database: Database, clock: HandClock) -> None:
    relay = Relay(database, {Something.name: (Counting().handler(),)}, patience=Patience(most_attempts=2))
    await emit(database, 1)
    for _ in range(2):
        async with database.unit_of_work(SYSTEM) as uow:
            await queue.claim(uow, (Something.name,), limit=1, lease=relay.patience.lease)
        clock.forward(seconds=30)

    await relay.drain()

    assert await effects(database) == []
    assert await states(database) == [("dead", 3)]


async def test_of_several_handlers_only_the_failed_one_runs_again(database: Database, clock: HandClock) -> None:
    good, bad = Counting(), Counting(fail={1})
    relay = Relay(database, {Something.name: (good.handler("good"), bad.handler("bad"))})
    await emit(database, 1)
    await relay.drain()
    assert await effects(database) == [1]

    bad.fail.clear()
    clock.forward(seconds=1)
    await relay.drain()

    assert await effects(database) == [1, 1]
    assert await states(database) == [("done", 2)]


async def test_a_handler_that_never_ends_is_cut_off_and_tried_again(database: Database, clock: HandClock) -> None:
    hang = True

    async def work(uow: UnitOfWork, event: Claimed) -> None:
        if hang:
            await uow.session.execute(text("select pg_sleep(60)"))
        await Counting()(uow, event)

    patience = Patience(deadline=0.2)
    relay = Relay(database, {Something.name: (Inside("slow", work),)}, patience=patience)
    await emit(database, 1)
    await relay.drain()
    async with database.reader(NOTHING) as reader:
        state, error = await reader.row(text("select state, last_error from outbox_event")) or ("", "")
    assert state == "pending"
    assert error.startswith("TimeoutError from CancelledError at test_relay.py:")

    hang = False
    clock.forward(seconds=1)
    await relay.drain()

    assert await effects(database) == [1]
    assert await states(database) == [("done", 2)]


async def test_what_a_handler_emits_is_worked_in_the_same_drain(database: Database) -> None:
    async def work(uow: UnitOfWork, event: Claimed) -> None:
        if event.payload["number"] < 3:
            uow.emit(Something(event.payload["number"] + 1))

    await emit(database, 1)

    assert await Relay(database, {Something.name: (Inside("chain", work),)}).drain() == 3
    assert await states(database) == [("done", 1)] * 3


def test_delays_double_from_one_second_to_a_quarter_of_an_hour_with_jitter() -> None:
    patience = Patience()

    least = [patience.delay_after(n, 0.0).total_seconds() for n in (1, 2, 3, 11, 500)]
    most = [patience.delay_after(n, 1.0).total_seconds() for n in (1, 2, 3, 11, 500)]

    assert least == [0.5, 1.0, 2.0, 450.0, 450.0]
    assert most == [1.0, 2.0, 4.0, 900.0, 900.0]


def test_a_lease_shorter_than_a_batch_may_take_is_refused() -> None:
    with pytest.raises(ValueError, match="lease"):
        Patience(lease=timedelta(seconds=24))


def test_errors_are_told_by_code_or_type_and_never_by_text() -> None:
    assert describe(Unavailable()) == "UNAVAILABLE"
    assert describe(ValueError("13800000000")) == "ValueError"
