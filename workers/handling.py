"""What a handler of outbox events is: work in one unit of work, or a call to the outside between two of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import select

from domain.estate.models import Area
from domain.kernel import relay
from domain.kernel.actor import Actor, Scope, system_actor
from domain.kernel.relay import Claimed
from domain.kernel.uow import Database, UnitOfWork

P = TypeVar("P")
R = TypeVar("R")


class Handler(Protocol):
    """Does one thing for one event; done twice = done once."""

    @property
    def name(self) -> str:
        """Stored in ``handled``; never change it while events are open."""
        ...

    async def handle(self, database: Database, event: Claimed) -> None:
        """Do it, unless it has been done. An error means: not done, try again later."""
        ...


@dataclass(frozen=True, slots=True)
class Inside:
    """A handler that only changes rows: its work and the record of it are one unit of work.

    county_wide: it needs rows of the areas above the compound too (who holds a role over them).
    """

    name: str
    work: Callable[[UnitOfWork, Claimed], Awaitable[object]]
    county_wide: bool = False

    async def handle(self, database: Database, event: Claimed) -> None:
        """Record and work in one transaction."""
        actor = await actor_for(database, event.compound_id, county_wide=self.county_wide)
        async with database.unit_of_work(actor) as uow:
            if await relay.begin_handling(uow, event.id, self.name):
                await self.work(uow, event)


@dataclass(frozen=True, slots=True)
class Outside(Generic[P, R]):
    """A handler that calls a port: decide, then call with no transaction open, then record.

    ``prepare`` returns what to call with, or None when there is nothing to do. ``call`` gets it with an idempotency
    key, the same at every attempt: not hearing back within ``seconds`` means unknown, and the key makes the retry safe.
    """

    name: str
    prepare: Callable[[UnitOfWork, Claimed], Awaitable[P | None]]
    call: Callable[[Claimed, P, str], Awaitable[R]]
    record: Callable[[UnitOfWork, Claimed, P, R], Awaitable[object]]
    seconds: float = 5.0

    async def handle(self, database: Database, event: Claimed) -> None:
        """Prepare, call, record."""
        actor = await actor_for(database, event.compound_id)
        async with database.unit_of_work(actor) as uow:
            if await relay.was_handled(uow, event.id, self.name):
                return
            prepared = await self.prepare(uow, event)
            if prepared is None:
                await relay.begin_handling(uow, event.id, self.name)
                return
        async with asyncio.timeout(self.seconds):
            result = await self.call(event, prepared, f"{self.name}-{event.id}")
        async with database.unit_of_work(actor) as uow:
            if await relay.begin_handling(uow, event.id, self.name):
                await self.record(uow, event, prepared, result)


async def nothing_more(*_: object) -> None:
    """A record for calls that leave nothing behind but that they were made."""


async def actor_for(database: Database, compound_id: int | None, *, county_wide: bool = False) -> Actor:
    """The system, limited to the event's compound, or to its county. An event of no compound sees no tenant's rows."""
    if compound_id is None:
        return system_actor(Scope())
    narrow = Scope(compounds=(compound_id,))
    if not county_wide:
        return system_actor(narrow)
    async with database.reader(narrow) as reader:
        county_id: Any = await reader.scalar(select(Area.county_id).where(Area.id == compound_id))
    return system_actor(narrow if county_id is None else Scope(counties=(county_id,)))
