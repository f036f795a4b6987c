"""The schedule: steps that run at an interval, in bounded batches, safe in any number of workers.

It needs PostgreSQL only. Where a step was last run is kept in memory: every step is idempotent and runs at start-up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter

import structlog
from sqlalchemy import func, select

from domain.kernel.actor import NOTHING, Scope, system_actor
from domain.kernel.uow import Database, UnitOfWork
from workers.relay import describe

Work = Callable[[UnitOfWork], Awaitable[int]]
RETRY = timedelta(seconds=60)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One scheduled thing. ``run`` does at most one batch and returns how many rows it changed.

    A run that fills its ``batch`` is repeated at once, up to ``most_batches``; 0 = never repeated.
    """

    name: str
    every: timedelta
    run: Callable[[Database], Awaitable[int]]
    batch: int = 0
    most_batches: int = 20


async def everything(database: Database) -> Scope:
    """The scope of steps that work on all tenants: every county by its id."""
    async with database.reader(NOTHING) as reader:
        return Scope(counties=tuple(await reader.scalar(select(func.zhian_county_ids())) or ()))


def alone(name: str, work: Work, *, everywhere: bool = False) -> Callable[[Database], Awaitable[int]]:
    """A run of ``work`` in one unit of work that no other worker does at the same time (it then does nothing)."""

    async def run(database: Database) -> int:
        scope = await everything(database) if everywhere else NOTHING
        async with database.unit_of_work(system_actor(scope)) as uow:
            mine = await uow.session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(name, 7418))))
            return await work(uow) if mine else 0

    return run


class Schedule:
    """Runs steps when their time has come; a failing step is logged and waits, the others go on."""

    def __init__(self, database: Database, steps: Sequence[Step]) -> None:
        self.database = database
        self.steps = tuple(steps)
        self._next: dict[str, datetime] = {}
        if len({step.name for step in self.steps}) != len(self.steps):
            raise ValueError("two steps have one name")

    async def run_due(self) -> dict[str, int]:
        """Run every step that is due now; what each changed. A step that failed is not named."""
        changed: dict[str, int] = {}
        for step in self.steps:
            now = self.database.clock()
            if self._next.get(step.name, now) > now:
                continue
            try:
                changed[step.name] = await self._run(step)
            except Exception as error:  # noqa: BLE001 - one step must not stop the others
                log.warning("schedule.failed", step=step.name, error=describe(error))
                self._next[step.name] = now + min(step.every, RETRY)
            else:
                self._next[step.name] = now + step.every
        return changed

    async def _run(self, step: Step) -> int:
        started = perf_counter()
        total = 0
        for _ in range(step.most_batches):
            changed = await step.run(self.database)
            total += changed
            if not step.batch or changed < step.batch:
                break
        say = log.info if total else log.debug
        say("schedule.ran", step=step.name, changed=total, seconds=round(perf_counter() - started, 4))
        return total
