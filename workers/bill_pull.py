"""Asking suppliers and property systems for bills, with no transaction open; what they answer is stored after."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import timedelta
from typing import Final

import structlog

from domain.community.bills.imports import service
from domain.community.bills.pull.ports import BillEntry, PropertyBillPort, UtilityBillPort
from domain.community.bills.pull.pulling import ENTRY_COLUMNS, Due, due_accounts, entry_row, take_bills
from domain.identity.ports import Vault
from domain.kernel.actor import Scope, system_actor
from domain.kernel.errors import DomainError
from domain.kernel.uow import Database
from workers.schedule import Step, everything

BATCH: Final = 50
SECONDS: Final = 5.0
"""How long a supplier may take to answer."""
MOST_PAGES: Final = 1_000
log = structlog.get_logger(__name__)


def pull_step(port: UtilityBillPort, vault: Vault) -> Step:
    """Ask for the bills of accounts that were not asked for within a day."""

    async def run(database: Database) -> int:
        return await pull_utilities(database, vault, port, limit=BATCH)

    return Step("bills.pull", timedelta(minutes=5), run, batch=BATCH)


async def pull_utilities(database: Database, vault: Vault, port: UtilityBillPort, *, limit: int) -> int:
    """Ask for the bills of at most ``limit`` accounts; how many were asked for."""
    async with database.unit_of_work(system_actor(await everything(database))) as uow:
        accounts = await due_accounts(uow, vault=vault, limit=limit)
    for due in accounts:
        await _pull(database, port, due)
    return len(accounts)


async def _pull(database: Database, port: UtilityBillPort, due: Due) -> None:
    """One account; a supplier that does not answer is asked again in a day, the others' bills do not wait for it."""
    try:
        async with asyncio.timeout(SECONDS):
            bills = await port.instbill_query(due.query)
    except (DomainError, TimeoutError) as error:
        log.warning("bills.not_pulled", account=due.account_id, error=getattr(error, "code", "TIMEOUT"))
        return
    async with database.unit_of_work(system_actor(Scope(compounds=(due.compound_id,)))) as uow:
        made, odd = await take_bills(uow, due=due, bills=bills)
    if odd:
        log.warning("bills.not_understood", account=due.account_id, bills=odd)
    log.debug("bills.pulled", account=due.account_id, made=made)


async def pull_property(
    database: Database, vault: Vault, port: PropertyBillPort, *, compound_id: int, community_id: str
) -> int:
    """Fetch a compound's entries from its property system and hand them to its office as a file, to be looked at like
    any other; returns the import's id."""
    entries: list[BillEntry] = []
    page: str | None = None
    for _ in range(MOST_PAGES):
        async with asyncio.timeout(SECONDS):
            found = await port.bill_entries(community_id, page=page)
        entries += found.bill_set
        page = found.next_page
        if page is None:
            break
    text = io.StringIO()
    csv.writer(text).writerows([ENTRY_COLUMNS, *map(entry_row, entries)])
    async with database.unit_of_work(system_actor(Scope(compounds=(compound_id,)))) as uow:
        made = await service.upload(
            uow,
            vault=vault,
            compound_id=compound_id,
            name=f"{community_id}.csv",
            form="csv",
            content=text.getvalue().encode(),
        )
        await service.start(uow, import_id=made)
    return made
