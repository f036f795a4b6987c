"""kill -9 wherever a worker waits that makes bills of a file: the next one goes on, and every good row is one bill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from domain.community.bills.imports import service
from domain.kernel.uow import Database
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.patience import PATIENCE
from tests.factories.world import World
from tests.faults.dying.mortal import Ended, Mortals, mortals

__all__ = ["clock", "clocked", "news", "vault", "world"]

HEAD = "bill_entry_id,cost_type,acct_period,bill_entry_amount,bill_fines,deadline,room_address,bill_key"
ROWS, BATCH, BAD = 11, 4, frozenset({3, 8})
SPARSE = 3
"""A file is worked through in some hundred waits, each taking two processes: of these a normal run tries fewer."""


@pytest.fixture
async def dying() -> AsyncIterator[Mortals]:
    async with mortals() as made:
        yield made


class Office:
    """Hands files in, and has workers that die work them through."""

    def __init__(self, database: Database, world: World, dying: Mortals, url: str, keys: Path) -> None:
        self.database, self.world, self.dying, self.url, self.keys = database, world, dying, url, keys

    async def hand_in(self, name: str) -> int:
        """A file of rows of which some are bad; the import."""
        fen = [f"{n}.123" if n in BAD else f"{n}.05" for n in range(ROWS)]
        rows = [f"{name}-{n},物业费,2026-10,{fen[n]},,2026-11-30,a111 1栋/1/1," for n in range(ROWS)]
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            made = await service.upload(
                uow, vault=self.world.vault, compound_id=self.world.areas["a111"], name=f"{name}.csv", form="csv",
                content="\n".join([HEAD, *rows]).encode(),
            )  # fmt: skip
            await service.start(uow, import_id=made)
        return made

    async def confirm(self, made: int) -> None:
        """The manager has bills made of the good rows."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            await service.confirm(uow, import_id=made, skip_faulty=True)

    async def work(self, kill_at: int = 0) -> Ended:
        """A worker until nothing waits, or until it dies."""
        now = self.database.clock().isoformat()
        return await self.dying.live(
            "imports", kill_at=kill_at, url=self.url, keys=str(self.keys), batch=BATCH, now=now
        )


@pytest.fixture
def office(clocked: Database, world: World, dying: Mortals, database_url: str, tmp_path: Path) -> Office:
    return Office(clocked, world, dying, database_url, tmp_path / "keys")


FILE = "select state, total, checked, bad, applied, duplicate, amount_fen, fault from bill_import where id = $1"
STAGED = "select count(*) from bill_import_row where import_id = $1"
BILLS = """
select count(*), count(distinct source_key), coalesce(sum(c.amount_fen), 0)::int8
from bill b join charge c on c.id = b.charge_id where b.source_key like $1
"""
FEN = sum(n * 100 + 5 for n in range(ROWS) if n not in BAD)
GOOD = ROWS - len(BAD)


OPEN = """
select count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
"""


async def buried(superuser: asyncpg.Connection) -> None:
    """PostgreSQL has heard of the death: until then the dead worker's import is locked, and nobody takes it up."""
    async with asyncio.timeout(PATIENCE):
        while await superuser.fetchval(OPEN):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.005)


async def worked(office: Office, superuser: asyncpg.Connection, k: int) -> tuple[bool, bool]:
    """A file whose checking and whose making of bills each meet a worker that dies at ``k``; whether each did."""
    name = f"F{k}"
    made = await office.hand_in(name)
    checking = await office.work(k)
    if checking.killed:
        await buried(superuser)
        assert not (await office.work()).killed
    assert tuple(await superuser.fetchrow(FILE, made) or ()) == ("ready", ROWS, ROWS, 2, 0, 0, FEN, None)
    assert await superuser.fetchval(STAGED, made) == ROWS
    await office.confirm(made)
    applying = await office.work(k)
    if applying.killed:
        await buried(superuser)
        assert not (await office.work()).killed
    assert tuple(await superuser.fetchrow(FILE, made) or ()) == ("done", ROWS, ROWS, 2, ROWS, 0, FEN, None)
    assert await superuser.fetchval(STAGED, made) == len(BAD)
    assert tuple(await superuser.fetchrow(BILLS, f"%|{name}-%") or ()) == (GOOD, GOOD, FEN)
    return checking.killed, applying.killed


async def test_killed_wherever_it_waits_a_worker_is_followed_by_the_next(
    office: Office, superuser: asyncpg.Connection, kill_every: int, fault_seed: int
) -> None:
    step = kill_every * SPARSE if kill_every > 1 else 1
    k, deaths = 1 + fault_seed % step, 0
    while any(died := await worked(office, superuser, k)):
        k, deaths = k + step, deaths + sum(died)
    assert deaths >= 4
    ledger = "select count(*) filter (where kind = 'opened'), sum(amount_fen) from ledger_entry"
    charged = "select count(*), sum(amount_fen) from charge"
    assert tuple(await superuser.fetchrow(ledger) or ()) == tuple(await superuser.fetchrow(charged) or ())
