"""Notices of payments that arrive at the same time are taken in one transaction; each waits for its own commit.

A compound's notices go one way of two: both processors of a small server work at once, and no two transactions wait for
the same order, receipt counter or audit chain.
"""

from __future__ import annotations

import asyncio
from typing import Final

from domain.community.payments.autopay.ports import AgreementNotice
from domain.community.payments.autopay.service import system_in, take_word
from domain.community.payments.ports import Notice
from domain.community.payments.rules import compound_of
from domain.community.payments.settling import scope_for, take_notices
from domain.kernel.actor import system_actor
from domain.kernel.uow import Database

MOST: Final = 500
LANES: Final = 2
QUIET_TURNS: Final = 8
"""So many turns of the loop without another notice end a batch."""
LONGEST: Final = 0.1
"""Seconds that a batch is gathered at most."""

Waiting = tuple[Notice, "asyncio.Future[str]"]


class NoticeIntake:
    """One for a process."""

    def __init__(self, database: Database, *, most: int = MOST) -> None:
        self._database = database
        self._lanes = [_Lane(database, most) for _ in range(LANES)]

    async def take(self, notice: Notice | AgreementNotice) -> str:
        """What the notice led to, once that is committed. Raises what the transaction raised: nothing was taken."""
        if isinstance(notice, AgreementNotice):
            async with self._database.unit_of_work(system_in(notice.number)) as uow:
                return await take_word(uow, vendor=notice.vendor, number=notice.number, state=notice.state)
        return await self._lanes[(compound_of(notice.out_trade_no) or 0) % LANES].take(notice)


class _Lane:
    """A batch that cannot be taken is taken one by one, so that nobody suffers for another's."""

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._most = most
        self._waiting: list[Waiting] = []
        self._taking: asyncio.Task[None] | None = None

    async def take(self, notice: Notice) -> str:
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((notice, done))
        if self._taking is None or self._taking.done():
            self._taking = asyncio.create_task(self._take_all())
        return await done

    async def _take_all(self) -> None:
        while self._waiting:
            await self._come()
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                outcomes = await self._commit([notice for notice, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait
                await self._alone(batch, error)
            else:
                for (_, done), outcome in zip(batch, outcomes, strict=True):
                    _tell(done, outcome)

    async def _come(self) -> None:
        """Wait while more are coming: a burst goes in a few transactions, and none of it stands in line behind many
        small ones, each slowed down by the reading of the next requests. A notice alone waits a few idle turns."""
        now = asyncio.get_running_loop().time
        until, quiet, seen = now() + LONGEST, 0, len(self._waiting)
        while quiet < QUIET_TURNS and seen < self._most and now() < until:
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._waiting) == seen else 0
            seen = len(self._waiting)

    async def _alone(self, batch: list[Waiting], error: Exception) -> None:
        for notice, done in batch:
            if len(batch) > 1:
                try:
                    _tell(done, (await self._commit([notice]))[0])
                except Exception as own:  # noqa: BLE001 - as above
                    _fail(done, own)
            else:
                _fail(done, error)

    async def _commit(self, notices: list[Notice]) -> list[str]:
        async with self._database.unit_of_work(system_actor(scope_for(notices))) as uow:
            return [str(outcome) for outcome in await take_notices(uow, notices)]


def _tell(done: asyncio.Future[str], outcome: str) -> None:
    if not done.done():  # whoever waited may have been cancelled
        done.set_result(outcome)


def _fail(done: asyncio.Future[str], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
