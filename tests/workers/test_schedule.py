"""The schedule: when steps run, what a failing one does, and that two workers do not do one thing at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from domain.kernel.uow import Database, UnitOfWork
from tests.workers.kit import HandClock, seed_estate
from workers.schedule import Schedule, Step, alone, everything
from workers.steps import DAY, MINUTE


def step(
    name: str, ran: list[str], *, every: timedelta = MINUTE, batch: int = 0, left: int = 0, fail: bool = False
) -> Step:
    remaining = left

    async def run(_: Database) -> int:
        nonlocal remaining
        ran.append(name)
        if fail:
            raise RuntimeError(name)
        now = min(batch, remaining) if batch else remaining
        remaining -= now
        return now

    return Step(name, every, run, batch=batch, most_batches=3)


async def test_steps_run_at_start_and_then_at_their_interval(database: Database, clock: HandClock) -> None:
    ran: list[str] = []
    schedule = Schedule(database, [step("daily", ran, every=DAY), step("often", ran)])

    await schedule.run_due()
    await schedule.run_due()
    clock.forward(seconds=60)
    await schedule.run_due()
    clock.forward(hours=24)
    await schedule.run_due()

    assert ran == ["daily", "often", "often", "daily", "often"]


async def test_a_failing_step_stops_no_other_and_is_tried_again_within_a_minute(
    database: Database, clock: HandClock
) -> None:
    ran: list[str] = []
    schedule = Schedule(database, [step("bad", ran, every=DAY, fail=True), step("good", ran, every=DAY, left=4)])

    assert await schedule.run_due() == {"good": 4}
    clock.forward(seconds=60)
    assert await schedule.run_due() == {}

    assert ran == ["bad", "good", "bad"]


@pytest.mark.parametrize(("left", "runs", "changed"), [(0, 1, 0), (9, 1, 9), (10, 2, 10), (25, 3, 25), (99, 3, 30)])
async def test_full_batches_are_repeated_up_to_a_bound(database: Database, left: int, runs: int, changed: int) -> None:
    ran: list[str] = []

    assert await Schedule(database, [step("purge", ran, batch=10, left=left)]).run_due() == {"purge": changed}
    assert len(ran) == runs


async def test_two_workers_do_not_do_one_step_at_once(database: Database) -> None:
    inside, finish = asyncio.Event(), asyncio.Event()

    async def slow(_: UnitOfWork) -> int:
        inside.set()
        await finish.wait()
        return 1

    first = asyncio.create_task(alone("step", slow)(database))
    await inside.wait()

    assert await alone("step", slow)(database) == 0
    assert await alone("another", _one)(database) == 1
    finish.set()
    assert await first == 1
    assert await alone("step", slow)(database) == 1


async def _one(_: UnitOfWork) -> int:
    return 1


async def test_everything_is_every_county(database: Database, superuser: asyncpg.Connection) -> None:
    await seed_estate(superuser)

    assert (await everything(database)).counties == (1, 6)


def test_two_steps_of_one_name_are_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="name"):
        Schedule(database, [step("a", []), step("a", [])])
