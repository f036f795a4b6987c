"""One run of the harness: load, faults, quiet, comparison."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from cli.opened import opened
from cli.running import settings_for
from tests.faults.harness.cast import fleet, followers_of
from tests.faults.harness.devices import Load
from tests.faults.harness.faults import FAULTS, deck
from tests.faults.harness.followers import Follower
from tests.faults.harness.ledger import Ledger
from tests.faults.harness.report import Report
from tests.faults.harness.stage import LOOPBACK, Stage, staged
from tests.faults.harness.verify import compare, expected_items

DRAIN_SECONDS = 300.0
HEARING_SECONDS = 60.0
FLOW_SECONDS = 300.0
QUIET_SECONDS = 2.5
POLL_SECONDS = 0.2
PENDING = "select count(*) from outbox_event where state = 'pending'"


@dataclass(frozen=True, slots=True)
class Run:
    """What to run.

    seconds: at least so long. faults: so many, evenly over the time, but none before ``between`` messages were
    acknowledged since the last: a slow machine takes longer, it is not broken less. messages: acknowledged in all
    before the load ends. haste: how much faster than documented devices try again. only: faults to choose from,
    () = all. latency: seconds added to every chunk between a process and the database, all the time.
    """

    seed: int = 1
    seconds: float = 30.0
    faults: int = 12
    build: str = "right"
    haste: float = 10.0
    between: int = 20
    messages: int = 0
    only: tuple[str, ...] = ()
    latency: tuple[tuple[str, float], ...] = ()


async def perform(run: Run, folder: Path) -> Report:
    """Run and compare."""
    rng = random.Random(run.seed)
    async with staged(folder, run.build) as stage:
        load = Load(Ledger(), run.haste)
        followers = followers_of(stage)
        sending = [asyncio.create_task(device.run()) for device in fleet(stage, load, rng)]
        following = [asyncio.create_task(follower.run()) for follower in followers]
        silence = asyncio.create_task(_silence(load))
        try:
            await _flowing(load.ledger, followers)
            done = await _break(stage, run, load.ledger, rng)
            await _acknowledged(load.ledger, run.messages)
            load.ending = True
            await _drained(stage, sending, followers)
            async with _superuser(stage) as connection, opened(settings_for(stage.tree.data_dir, {})) as found:
                for task in following:
                    if task.done():
                        task.result()
                report = await compare(connection, found.vault, load.ledger, followers, metrics=await _metrics(stage))
        finally:
            for task in (*sending, *following, silence):
                task.cancel()
            await asyncio.gather(*sending, *following, silence, return_exceptions=True)
    report.faults, report.silence = done, silence.result()
    return report


async def _silence(load: Load) -> float:
    """The longest time without an acknowledgement until the load ends."""
    loop = asyncio.get_running_loop()
    last, since, longest = load.ledger.acknowledged, loop.time(), 0.0
    while not load.ending:
        await asyncio.sleep(POLL_SECONDS)
        if (count := load.ledger.acknowledged) != last:
            last, since = count, loop.time()
        longest = max(longest, loop.time() - since)
    return longest


async def _flowing(ledger: Ledger, followers: Sequence[Follower]) -> None:
    """Wait until messages are acknowledged and everybody listens."""
    await _acknowledged(ledger, 1)
    async with asyncio.timeout(FLOW_SECONDS):
        while not all(follower.joined for follower in followers):  # noqa: ASYNC110 - other tasks and processes
            await asyncio.sleep(POLL_SECONDS)


async def _acknowledged(ledger: Ledger, count: int) -> None:
    """Wait until ``count`` messages in all are acknowledged."""
    async with asyncio.timeout(FLOW_SECONDS):
        while ledger.acknowledged < count:  # noqa: ASYNC110 - other tasks and processes
            await asyncio.sleep(POLL_SECONDS)


async def _break(stage: Stage, run: Run, ledger: Ledger, rng: random.Random) -> list[str]:
    """Carry out the faults, evenly over the time; returns which."""
    loop = asyncio.get_running_loop()
    for name, seconds in run.latency:
        stage.databases[name].latency = seconds
    began, done = loop.time(), []
    under_way: set[asyncio.Task[None]] = set()
    for number, name in enumerate(deck(rng, run.only), start=1):
        if number > run.faults:
            break
        enough = ledger.acknowledged + run.between
        await asyncio.sleep(began + run.seconds * number / (run.faults + 1) - loop.time())
        await _acknowledged(ledger, enough)
        under_way.add(asyncio.create_task(FAULTS[name](stage, rng)))
        done.append(name)
    await asyncio.sleep(began + run.seconds - loop.time())
    await asyncio.gather(*under_way)
    return done


async def _drained(stage: Stage, sending: Sequence[asyncio.Task[None]], followers: Sequence[Follower]) -> None:
    """Everything healed: wait until all is acknowledged, delivered and heard, or no longer."""
    stage.heal()
    await stage.wait_steady()
    async with _superuser(stage) as pool:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*sending)
                while await pool.fetchval(PENDING):  # noqa: ASYNC110 - other processes work it off
                    await asyncio.sleep(POLL_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARING_SECONDS):
                expected = [len(items) for items in await expected_items(pool, followers)]
                while any(len(f.items) < n for f, n in zip(followers, expected, strict=True)):  # noqa: ASYNC110 - followers wake nobody here
                    await asyncio.sleep(POLL_SECONDS)
    await asyncio.sleep(QUIET_SECONDS)  # a repeat would come within two polls of the feed


def _superuser(stage: Stage) -> Any:
    return asyncpg.create_pool(stage.superuser_url, min_size=1, max_size=1)


async def _metrics(stage: Stage) -> str:
    reader, writer = await asyncio.open_connection(LOOPBACK, stage.tree.port)
    writer.write(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    return text
