"""The worker as a whole on real servers: woken at once with Valkey, a little later without, never not at all."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path

import pytest
import redis.asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.relay import Claimed
from domain.kernel.uow import Database, News, UnitOfWork
from integrations.embedded.valkey import EmbeddedValkey
from integrations.valkey import NewsChannel
from tests.factories.patience import PATIENCE
from tests.workers.kit import Counting, Something, effects, emit, states
from workers import worker
from workers.handling import Inside
from workers.relay import Relay
from workers.schedule import Schedule, Step
from workers.wake import Waker


class Handled:
    """A handler whose doings can be awaited."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._changed = asyncio.Event()
        self._count = Counting()

    async def __call__(self, uow: UnitOfWork, event: Claimed) -> None:
        await self._count(uow, event)
        self.numbers.append(event.payload["number"])
        self._changed.set()

    async def until(self, count: int) -> list[int]:
        async with asyncio.timeout(PATIENCE):
            while len(self.numbers) < count:
                self._changed.clear()
                await self._changed.wait()
        return sorted(self.numbers)


class Rig:
    """A worker that is started and stopped by the test; ``database`` emits as another process would."""

    def __init__(self, engine: AsyncEngine, url: str | None, *, every: float, steps: tuple[Step, ...] = ()) -> None:
        topic = f"test-{secrets.token_hex(8)}"
        self.here, self.there = NewsChannel(url, topic=topic), NewsChannel(url, topic=topic)
        self.database = Database(engine, wake=self.there.publish)
        self.handled = Handled()
        own = Database(engine, wake=self.here.publish)
        self.relay = Relay(own, {Something.name: (Inside("handle", self.handled),)})
        self.waker = Waker(url, self.relay) if url else None
        self.schedule = Schedule(own, steps)
        self.every = every

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(worker.run(self.relay, self.schedule, self.waker, stop, every=self.every))
        with self.here.hear(self.waker.on_news) if self.waker else nullcontext():
            await self.here.start()
            await self.there.start()
            try:
                yield
            finally:
                stop.set()
                await asyncio.wait_for(task, PATIENCE)
                await self.there.close()
                await self.here.close()

    async def woken(self) -> None:
        """Wait until wake-ups are taken and news is heard."""
        assert self.waker is not None
        heard = asyncio.Event()
        async with asyncio.timeout(PATIENCE):
            await self.waker.started.wait()
            with self.here.hear(lambda news: heard.set() if "probe" in news.topics else None):
                while not heard.is_set():
                    await self.there.publish(News(frozenset({"probe"})))
                    with suppress(TimeoutError):
                        await asyncio.wait_for(heard.wait(), 0.05)


@pytest.fixture
def valkey(open_folder: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(open_folder)
    server.prepare()
    server.start()
    yield server
    server.stop()


async def test_news_wakes_the_relay_long_before_the_sweeper(engine: AsyncEngine, redis_url: str) -> None:
    rig = Rig(engine, redis_url, every=3600)
    async with rig.running():
        await rig.woken()
        await emit(rig.database, 1)
        assert await rig.handled.until(1) == [1]
        for number in range(2, 8):
            await emit(rig.database, number)
            await rig.handled.until(number)

    assert await effects(rig.database) == list(range(1, 8))


async def test_nothing_is_left_in_valkey_and_no_pickle_goes_there(engine: AsyncEngine, redis_url: str) -> None:
    rig = Rig(engine, redis_url, every=3600)
    async with rig.running():
        await rig.woken()
        await emit(rig.database, 1)
        await rig.handled.until(1)

    async with redis.asyncio.Redis.from_url(redis_url) as client:
        left = [key.decode() for key in await client.keys("*")]
    assert not [key for key in left if key.startswith("arq:result")]


async def test_without_valkey_the_sweeper_delivers(engine: AsyncEngine) -> None:
    rig = Rig(engine, None, every=0.05)
    async with rig.running():
        await emit(rig.database, 1, 2, 3)
        assert await rig.handled.until(3) == [1, 2, 3]


async def test_with_valkey_away_the_sweeper_delivers_and_wakeups_return_with_it(
    engine: AsyncEngine, valkey: EmbeddedValkey
) -> None:
    rig = Rig(engine, valkey.url(), every=0.05)
    async with rig.running():
        await rig.woken()
        await emit(rig.database, 1)
        await rig.handled.until(1)

        valkey.stop()
        await emit(rig.database, 2)
        assert await rig.handled.until(2) == [1, 2]

        assert rig.waker is not None
        async with asyncio.timeout(PATIENCE):
            while rig.waker.started.is_set():  # noqa: ASYNC110 - an event cannot be awaited to be cleared
                await asyncio.sleep(0.01)
        valkey.start()
        await rig.woken()
        await emit(rig.database, 3)
        assert await rig.handled.until(3) == [1, 2, 3]

    assert await effects(rig.database) == [1, 2, 3]


async def test_flushing_valkey_at_any_moment_loses_and_doubles_nothing(
    engine: AsyncEngine, valkey: EmbeddedValkey
) -> None:
    rig = Rig(engine, valkey.url(), every=0.05)
    flushing = asyncio.Event()

    async def flush() -> None:
        async with redis.asyncio.Redis.from_url(valkey.url()) as client:
            while not flushing.is_set():
                await client.flushall()

    async with rig.running():
        await rig.woken()
        flusher = asyncio.create_task(flush())
        for number in range(60):
            await emit(rig.database, number)
        assert await rig.handled.until(60) == list(range(60))
        flushing.set()
        await flusher

    assert await effects(rig.database) == list(range(60))


async def test_stopping_finishes_what_is_in_hand_and_starting_again_goes_on(engine: AsyncEngine) -> None:
    rig = Rig(engine, None, every=0.05)
    begun, finish = asyncio.Event(), asyncio.Event()

    async def slow(uow: UnitOfWork, event: Claimed) -> None:
        begun.set()
        await finish.wait()
        await rig.handled(uow, event)

    rig.relay.handlers = {Something.name: (Inside("slow", slow),)}
    await emit(rig.database, 1)
    async with rig.running():
        await begun.wait()
        asyncio.get_running_loop().call_later(0.1, finish.set)
    assert await states(rig.database) == [("done", 1)]

    await emit(rig.database, 2)
    async with rig.running():
        assert await rig.handled.until(2) == [1, 2]


async def test_the_schedule_runs_beside_the_relay_and_a_failing_loop_goes_on(engine: AsyncEngine) -> None:
    runs = 0
    often = asyncio.Event()

    async def broken(_: Database) -> int:
        nonlocal runs
        runs += 1
        if runs == 3:
            often.set()
        return 0

    class Moody(Schedule):
        async def run_due(self) -> dict[str, int]:
            await broken(self.database)
            raise ConnectionError("the database is away")

    rig = Rig(engine, None, every=0.01)
    rig.schedule = Moody(rig.database, ())
    async with rig.running():
        await asyncio.wait_for(often.wait(), PATIENCE)
        await emit(rig.database, 1)
        assert await rig.handled.until(1) == [1]


async def test_a_job_ends_long_before_it_would_be_cut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless:
        batches = 0

        async def run_once(self) -> int:
            self.batches += 1
            await asyncio.sleep(0)
            return 1

    monkeypatch.setattr("workers.wake.DRAIN_SECONDS", 0.05)
    monkeypatch.setattr("workers.wake.MOST_PER_JOB", 10**9)
    relay = Endless()
    async with asyncio.timeout(PATIENCE):
        worked = await Waker("redis://unused", relay)._drain({})  # type: ignore[arg-type]  # what a job asks of it

    assert worked == relay.batches > 1
