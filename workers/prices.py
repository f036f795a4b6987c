"""The daily fetching of published prices: a step that looks whose turn it is, never anybody's request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from domain.community.prices.fetching import Turn, begin_fetch, fail_fetch, finish_fetch
from domain.community.prices.ports import PriceSourcePort
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.uow import Database
from workers.relay import describe
from workers.schedule import Step, everything

log = structlog.get_logger(__name__)


async def fetch_prices(database: Database, sources: Sequence[PriceSourcePort]) -> int:
    """Ask every source whose turn it is; how many prices are new or changed. One that fails is asked again later."""
    scope = await everything(database)
    if not scope.counties:
        return 0
    changed = 0
    for source in sources:
        async with database.unit_of_work(system_actor(scope)) as uow:
            turn = await begin_fetch(uow, source=source.source, market=source.market)
        if turn is not None:
            changed += await _ask(database, source, turn)
    return changed


async def _ask(database: Database, source: PriceSourcePort, turn: Turn) -> int:
    scope = await everything(database)
    try:
        fetched = await source.fetch(turn.first, turn.last)
    except DomainError as error:
        log.warning("prices.not_fetched", source=str(source.source), code=error.code)
        async with database.unit_of_work(system_actor(scope)) as uow:
            await fail_fetch(uow, turn, code=error.code)
        return 0
    async with database.unit_of_work(system_actor(scope)) as uow:
        changed = await finish_fetch(uow, turn, fetched)
    said = {"quotes": len(fetched.quotes), "changed": changed, "refused": fetched.refused}
    log.info("prices.fetched", source=str(source.source), **said)
    return changed


def price_step(sources: Sequence[PriceSourcePort]) -> Step:
    """The step. It looks every five minutes, as the time of day and failures are kept in the database.

    Pages are asked for one a second, so it goes on beside the schedule: alarms do not wait for vegetables.
    """
    under_way: set[asyncio.Task[None]] = set()

    async def run(database: Database) -> int:
        if sources and not under_way:
            task = asyncio.create_task(_beside(database, sources))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        return 0

    return Step("prices.fetch", timedelta(minutes=5), run)


async def _beside(database: Database, sources: Sequence[PriceSourcePort]) -> None:
    try:
        await fetch_prices(database, sources)
    except Exception as error:  # noqa: BLE001 - the lease ends, and it is tried again
        log.warning("prices.failed", error=describe(error))
