"""Allowances on real Valkey and in memory: the same rule, shared while Valkey is there, by oneself while it is away."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from integrations.embedded import EmbeddedValkey
from integrations.spending import PAUSE_SECONDS, PREFIX, LocalSpending, Spending
from tests.api.execution.serving import until

NEVER = 0.001  # comes back a second so slowly that no test sees it


class Ticks:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def on(url: str | None, ticks: Ticks | None = None) -> AsyncIterator[Spending]:
    made = Spending(url, tick=ticks or time.monotonic)
    try:
        yield made
    finally:
        await made.close()


def at_once(asked: Coroutine[Any, Any, float]) -> float:
    """Its answer, which it gives without waiting for anything."""
    with pytest.raises(StopIteration) as answered:
        asked.send(None)
    return float(answered.value.value)


@pytest.fixture
def subject() -> str:
    return secrets.token_hex(16)


@pytest.fixture
def valkey(open_folder: Path) -> Iterator[EmbeddedValkey]:
    """A server of the test's own, to be broken."""
    server = EmbeddedValkey(open_folder, memory=32)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["valkey", "here"])
async def spending(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Spending]:
    async with on(redis_url if request.param == "valkey" else None) as made:
        yield made


async def test_the_burst_is_exact_however_many_ask_at_once(spending: Spending, subject: str) -> None:
    waits = await asyncio.gather(*(spending.spend(subject, 3, per_second=NEVER, burst=50) for _ in range(100)))
    assert waits.count(0) == 16
    assert spending.local == 0


async def test_a_refused_cost_is_not_booked(spending: Spending, subject: str) -> None:
    assert await spending.spend(subject, 6, per_second=NEVER, burst=10) == 0
    assert await spending.spend(subject, 5, per_second=NEVER, burst=10) > 0
    assert await spending.spend(subject, 4, per_second=NEVER, burst=10) == 0


async def test_the_wait_is_as_long_as_it_takes(spending: Spending, subject: str) -> None:
    assert await spending.spend(subject, 10, per_second=NEVER, burst=10) == 0
    assert await spending.spend(subject, 6, per_second=NEVER, burst=10) == pytest.approx(6_000, abs=200)


async def test_what_was_spent_comes_back(spending: Spending, subject: str) -> None:
    assert await spending.spend(subject, 1_000, per_second=100, burst=1_000) == 0
    wait = await spending.spend(subject, 15, per_second=100, burst=1_000)
    assert wait <= 0.15
    if wait:  # a stalled machine has it back already
        await asyncio.sleep(wait)
        assert await spending.spend(subject, 15, per_second=100, burst=1_000) == 0


async def test_a_cost_beyond_the_burst_takes_it_all(spending: Spending, subject: str) -> None:
    assert await spending.spend(subject, 1_000, per_second=NEVER, burst=10) == 0
    assert await spending.spend(subject, 1, per_second=NEVER, burst=10) > 0


async def test_subjects_do_not_spend_each_others(spending: Spending, subject: str) -> None:
    assert await spending.spend(subject, 10, per_second=NEVER, burst=10) == 0
    assert await spending.spend(f"{subject}-", 10, per_second=NEVER, burst=10) == 0


async def test_processes_share_an_allowance_and_its_key_ends_when_it_is_full(redis_url: str, subject: str) -> None:
    async with on(redis_url) as one, on(redis_url) as other, Redis.from_url(redis_url) as client:
        assert await one.spend(subject, 6, per_second=NEVER, burst=10) == 0
        assert await other.spend(subject, 6, per_second=NEVER, burst=10) > 0
        assert 5_800_000 < await client.pttl(PREFIX + subject) <= 6_000_001
        await client.script_flush()
        assert await other.spend(subject, 3, per_second=NEVER, burst=10) == 0


async def test_one_round_trip_for_a_cost_and_a_rush_shares_them(valkey: EmbeddedValkey, subject: str) -> None:
    async with on(valkey.url()) as spending, Redis.from_url(valkey.url()) as client:

        async def reads() -> int:
            return int((await client.info("stats"))["total_reads_processed"])

        await spending.spend(subject, 1, per_second=1, burst=10_000)  # connects, and loads the script
        before, own = await reads(), await reads()
        for _ in range(20):
            assert await spending.spend(subject, 1, per_second=1, burst=10_000) == 0
        one_by_one = await reads()
        await asyncio.gather(*(spending.spend(subject, 1, per_second=1, burst=10_000) for _ in range(200)))
        together = await reads()
        connections = [c for c in await client.client_list() if c["name"] == "zhian-spending"]
    assert one_by_one - own == 20 + (own - before)
    assert together - one_by_one < 10
    assert len(connections) == 1


async def test_valkey_killed_midway_leaves_nobody_unlimited_and_nobody_shut_out(
    valkey: EmbeddedValkey, subject: str
) -> None:
    ticks = Ticks()
    async with on(valkey.url(), ticks) as one, on(valkey.url(), ticks) as other:

        async def booked(spending: Spending, tries: int = 12) -> int:
            waits = await asyncio.gather(
                *(spending.spend(subject, 1, per_second=NEVER, burst=10) for _ in range(tries))
            )
            return waits.count(0)

        assert await booked(one, 4) + await booked(other, 4) == 8
        assert valkey.pid is not None
        os.kill(valkey.pid, signal.SIGKILL)
        assert await booked(one) == 10  # by itself: a whole allowance again, and no more
        assert await booked(other) == 10
        assert (one.local, other.local) == (12, 12)

        valkey.start()
        assert await booked(one) == 0
        assert one.away  # it is not asked again before a pause
        ticks.now += PAUSE_SECONDS
        for spending in (one, other):
            await spending.spend(subject, 1, per_second=NEVER, burst=10)
            await until(lambda spending=spending: not spending.away)
        assert await booked(one, 6) + await booked(other, 6) == 10  # shared again


async def test_nobody_waits_for_a_valkey_that_hangs_but_those_who_are_under_way(
    valkey: EmbeddedValkey, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = Ticks()
    async with on(valkey.url(), ticks) as spending:
        assert await spending.spend(subject, 1, per_second=NEVER, burst=10) == 0
        assert valkey.pid is not None
        os.kill(valkey.pid, signal.SIGSTOP)
        monkeypatch.setattr("integrations.spending.ANSWER_SECONDS", 0.3)
        try:
            first = await asyncio.gather(*(spending.spend(subject, 1, per_second=NEVER, burst=10) for _ in range(30)))
            task = spending._task
            ticks.now += PAUSE_SECONDS
            later = [at_once(spending.spend(subject, 1, per_second=NEVER, burst=10)) for _ in range(20)]
            assert spending._task is not task  # it is asked again, but not waited for
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
    assert (first.count(0), later.count(0)) == (10, 0)
    assert spending.local == 50


async def test_a_valkey_without_memory_counts_as_away(valkey: EmbeddedValkey, subject: str) -> None:
    async with on(valkey.url(), Ticks()) as spending, Redis.from_url(valkey.url()) as client:
        await client.config_set("maxmemory", 1)
        waits = [await spending.spend(subject, 1, per_second=NEVER, burst=10) for _ in range(12)]
    assert waits.count(0) == 10
    assert spending.local == 12


async def test_a_caller_that_leaves_and_a_close_leave_nobody_waiting(valkey: EmbeddedValkey, subject: str) -> None:
    async with on(valkey.url()) as spending:
        await spending.spend(subject, 1, per_second=NEVER, burst=10)
        assert valkey.pid is not None
        os.kill(valkey.pid, signal.SIGSTOP)
        try:
            left, stays = [
                asyncio.create_task(spending.spend(subject, 1, per_second=NEVER, burst=10)) for _ in range(2)
            ]
            await until(lambda: spending._task is not None and not spending._task.done())
            left.cancel()
            await spending.close()
            assert await stays == 0
        finally:
            os.kill(valkey.pid, signal.SIGCONT)


def test_in_memory_those_who_spent_longest_ago_are_forgotten_first() -> None:
    here = LocalSpending(Ticks(), most=3)
    for name in ("a", "b", "a", "c", "d"):
        assert here.spend(name, 5, per_second=NEVER, burst=10) == 0
    assert len(here) == 3
    assert here.spend("a", 5, per_second=NEVER, burst=10) > 0
    assert here.spend("b", 10, per_second=NEVER, burst=10) == 0
