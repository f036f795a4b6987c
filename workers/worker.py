"""The worker: sweeper, schedule and wake-ups side by side, each surviving its own failures and the others'."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import structlog

from workers.relay import Relay, describe
from workers.schedule import Schedule
from workers.wake import Waker

SWEEP_SECONDS = 1.0
LONGEST_PAUSE = 5.0
FINISH_SECONDS = 5.0
log = structlog.get_logger(__name__)


async def keep_doing(
    name: str, do: Callable[[], Awaitable[object]], stop: asyncio.Event, *, every: float = SWEEP_SECONDS
) -> None:
    """Call ``do`` every ``every`` seconds until ``stop``; after failures wait longer and longer, never give up."""
    failures = 0
    while not stop.is_set():
        try:
            await do()
        except Exception as error:  # noqa: BLE001 - PostgreSQL or Valkey restarts: say so, try again
            failures += 1
            log.warning("worker.failed", loop=name, failures=failures, error=describe(_first(error)))
        else:
            failures = 0
        pause = min(LONGEST_PAUSE, every * 2 ** min(failures, 3)) if failures else every
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            continue


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def run(
    relay: Relay,
    schedule: Schedule,
    waker: Waker | None,
    stop: asyncio.Event,
    *,
    every: float = SWEEP_SECONDS,
    beside: Mapping[str, Callable[[], Awaitable[object]]] = MappingProxyType({}),
) -> None:
    """Work until ``stop`` is set, then finish what is in hand, for at most FINISH_SECONDS.

    ``waker``: None = no Valkey, everything polls. What is cut off comes back when its lease ends. beside: long work
    that must hold up nothing of the schedule, each looked for every ``every`` seconds.
    """
    loops = {
        asyncio.create_task(keep_doing("sweeper", relay.drain, stop, every=every)),
        asyncio.create_task(keep_doing("schedule", schedule.run_due, stop, every=every)),
        *(asyncio.create_task(keep_doing(name, do, stop, every=every)) for name, do in beside.items()),
    }
    waking = None if waker is None else asyncio.create_task(keep_doing("wake", waker.run, stop, every=every))
    log.info("worker.started", wake=waker is not None)
    try:
        await stop.wait()
        await asyncio.wait(loops, timeout=FINISH_SECONDS)
    finally:
        tasks = loops if waking is None else loops | {waking}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        log.info("worker.stopped")
