"""Asking suppliers and property systems for bills, with no transaction open; what they answer is stored after."""

from __future__ import annotations

import asyncio
import csv
import io
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

import structlog

from domain.community.bills.imports import service
from domain.community.bills.pull.ports import BillEntry, PropertyBillPort, UtilityBillPort
from domain.community.bills.pull.pulling import (
    ENTRY_COLUMNS,
    Due,
    Taken,
    ask_again,
    due_accounts,
    entry_row,
    take_bills,
)
from domain.identity.ports import Vault
from domain.kernel.actor import Scope, system_actor
from domain.kernel.errors import DomainError, Unavailable
from domain.kernel.uow import Database
from workers.relay import describe
from workers.schedule import Step, everything

BATCH: Final = 50
AT_ONCE: Final = 8
"""How many questions are under way."""
SECONDS: Final = 5.0
"""How long a supplier may take to answer."""
MOST_PAGES: Final = 1_000
log = structlog.get_logger(__name__)


def pull_steps(port: UtilityBillPort | None, vault: Vault) -> tuple[Step, ...]:
    """The step that asks for the bills of accounts that are due; none without a supplier.

    It looks every five minutes and goes on beside the schedule until nobody is due: alarms do not wait for bills.
    """
    if port is None:
        return ()
    under_way: set[asyncio.Task[None]] = set()

    async def run(database: Database) -> int:
        if not under_way:
            task = asyncio.create_task(_beside(database, vault, port))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        return 0

    return (Step("bills.pull", timedelta(minutes=5), run),)


async def _beside(database: Database, vault: Vault, port: UtilityBillPort) -> None:
    try:
        while (pulled := await pull_utilities(database, vault, port, limit=BATCH)).heard:
            log.info("bills.pulled", **asdict(pulled))
        if pulled.unheard:
            log.warning("bills.pulled", **asdict(pulled))
    except Exception as error:  # noqa: BLE001 - the next look goes on where this one ended
        log.warning("bills.pull_failed", error=describe(error))


@dataclass(slots=True)
class Pulled:
    """What came of a batch, in accounts: how many a supplier answered for, said no to, or said nothing of; and of their
    bills, how many were new, changed, withdrawn, put before a person, and could not be understood."""

    heard: int = 0
    refused: int = 0
    unheard: int = 0
    made: int = 0
    changed: int = 0
    withdrawn: int = 0
    told: int = 0
    odd: int = 0

    def add(self, taken: Taken) -> None:
        """Count an account that a supplier answered for."""
        self.heard, self.made, self.odd = self.heard + 1, self.made + taken.made, self.odd + taken.odd
        self.changed += taken.followed.changed
        self.withdrawn += taken.followed.withdrawn
        self.told += taken.followed.told


async def pull_utilities(database: Database, vault: Vault, port: UtilityBillPort, *, limit: int) -> Pulled:
    """Ask for the bills of at most ``limit`` accounts that are due, some at once."""
    async with database.unit_of_work(system_actor(await everything(database))) as uow:
        accounts = await due_accounts(uow, vault=vault, limit=limit, types=port.sub_biz_types)
    pulled, silent, doors = Pulled(), list[int](), asyncio.Semaphore(AT_ONCE)

    async def one(due: Due) -> None:
        async with doors:
            if not await _pull(database, port, due, pulled):
                silent.append(due.account_id)

    await asyncio.gather(*map(one, accounts))
    if silent:
        async with database.unit_of_work(system_actor(await everything(database))) as uow:
            await ask_again(uow, sorted(silent))
    return pulled


async def _pull(database: Database, port: UtilityBillPort, due: Due, pulled: Pulled) -> bool:
    """One account; whether its supplier said anything. Others' bills do not wait for one that fails."""
    try:
        async with asyncio.timeout(SECONDS):
            answer = await port.instbill_query(due.query)
        async with database.unit_of_work(system_actor(Scope(compounds=(due.compound_id,)))) as uow:
            taken = await take_bills(uow, due=due, answer=answer)
    except (Unavailable, TimeoutError):
        pulled.unheard += 1
        return False
    except DomainError as error:
        pulled.heard, pulled.refused = pulled.heard + 1, pulled.refused + 1
        log.info("bills.not_pulled", account=due.account_id, code=error.code, reason=error.params.get("reason"))
        return True
    pulled.add(taken)
    if taken.odd:
        log.warning("bills.not_understood", account=due.account_id, bills=taken.odd)
    return True


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
