"""The relay: hands outbox events to their handlers, at least once, whatever dies in between.

PostgreSQL alone is the truth; whoever calls ``drain`` (a wake-up, the sweeper) only decides how soon.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from domain.kernel import relay
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.errors import DomainError
from domain.kernel.relay import Claimed
from domain.kernel.uow import Database
from workers.handling import Handler

ROOT = Path(__file__).parent.parent
SYSTEM = system_actor(NOTHING)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often the relay tries.

    lease: how long a claim holds; a killed worker's events come back after it. deadline: seconds for one event.
    With 16 attempts and these delays an outage of about an hour and a half is survived before a dead letter.
    """

    batch: int = 12
    at_once: int = 4
    lease: timedelta = timedelta(seconds=30)
    deadline: float = 8.0
    most_attempts: int = 16
    first_delay: float = 1.0
    longest_delay: float = 900.0

    def __post_init__(self) -> None:
        if self.batch / self.at_once * self.deadline >= self.lease.total_seconds():
            raise ValueError("the lease must outlast the deadlines of a whole batch")

    def delay_after(self, attempts: int, chance: float) -> timedelta:
        """Exponential back-off with jitter: ``chance`` in [0, 1) picks from the upper half of the delay."""
        whole = min(self.longest_delay, self.first_delay * 2.0 ** min(attempts - 1, 60))
        return timedelta(seconds=whole * (0.5 + chance / 2))


def describe(error: BaseException) -> str:
    """What failed and where in our code, without the error's text: drivers quote the data they failed on."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    what = error.code if isinstance(error, DomainError) else type(error).__qualname__
    why = "" if type(cause) is type(error) else f" from {type(cause).__qualname__}"
    frames = _our_frames(cause) or _our_frames(error)
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames[-3:]))
    return f"{what}{why} at {places}" if places else f"{what}{why}"


def _our_frames(error: BaseException) -> list[traceback.FrameSummary]:
    paths = ((frame, Path(frame.filename)) for frame in traceback.extract_tb(error.__traceback__))
    return [frame for frame, path in paths if path.is_relative_to(ROOT) and "site-packages" not in path.parts]


class Relay:
    """Works the outbox of one database with a table of handlers: event name -> handlers, () = nothing to do."""

    def __init__(
        self, database: Database, handlers: Mapping[str, Sequence[Handler]], *, patience: Patience | None = None
    ) -> None:
        self.database = database
        self.handlers = handlers
        self.patience = patience or Patience()

    async def drain(self, *, most: int = 10_000) -> int:
        """Work until nothing is due or ``most`` events were worked; returns how many."""
        worked = 0
        while worked < most:
            claimed = await self.run_once()
            if not claimed:
                break
            worked += claimed
        return worked

    async def run_once(self) -> int:
        """Claim one batch and work it; returns how many events were claimed."""
        async with self.database.unit_of_work(SYSTEM) as uow:
            claimed = await relay.claim(uow, tuple(self.handlers), limit=self.patience.batch, lease=self.patience.lease)
        turns = asyncio.Semaphore(self.patience.at_once)

        async def in_turn(event: Claimed) -> None:
            async with turns:
                await self.work(event)

        async with asyncio.TaskGroup() as group:
            for event in claimed:
                group.create_task(in_turn(event))
        return len(claimed)

    async def work(self, event: Claimed) -> None:
        """Run the handlers of a claimed event that have not run yet, and mark what became of it."""
        if event.attempts > self.patience.most_attempts:
            await self._failed(event, "WORKER_DIED at every attempt")
            return
        try:
            async with asyncio.timeout(self.patience.deadline):
                for handler in self.handlers[event.name]:
                    await handler.handle(self.database, event)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises: the event waits and is tried again
            await self._failed(event, describe(error))
        else:
            async with self.database.unit_of_work(SYSTEM) as uow:
                await relay.mark_done(uow, event)

    async def _failed(self, event: Claimed, error: str) -> None:
        last = event.attempts >= self.patience.most_attempts
        say = log.error if last else log.warning
        verdict = "outbox.dead" if last else "outbox.failed"
        say(verdict, event_id=event.id, event_name=event.name, attempts=event.attempts, error=error)
        async with self.database.unit_of_work(SYSTEM) as uow:
            if last:
                await relay.bury(uow, event, error=error)
            else:
                delay = self.patience.delay_after(event.attempts, random.random())  # noqa: S311 - jitter
                await relay.put_back(uow, event, delay=delay, error=error)
