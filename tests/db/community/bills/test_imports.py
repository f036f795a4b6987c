"""Files of bills: checked against the compound, applied once whatever happens, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from domain.community.bills.accounts import register_account
from domain.community.bills.imports import service
from domain.community.bills.imports.errors import FaultyRows, ImportState
from domain.community.bills.kinds import BillKind
from domain.community.payments.errors import InvalidCharge
from domain.kernel.uow import Database
from tests.db.community.bills.books import Books
from tests.factories.clock import Clock
from tests.factories.world import World
from workers.bills import BillImports

HEAD = "bill_entry_id,cost_type,acct_period,bill_entry_amount,bill_fines,deadline,room_address,bill_key"


def row(number: int, *, kind: str = "物业费", fen: str = "12.30", home: str = "a111 1栋/1/1", key: str = "") -> str:
    return f"B{number},{kind},2026-10,{fen},,2026-11-30,{home},{key}"


MISSING = "MISSING_COLUMNS: bill_entry_id, cost_type, acct_period, bill_entry_amount, deadline, room_address"


class Imports:
    """Acts of the system on files for compound a111, and a worker with small batches."""

    def __init__(self, database: Database, world: World) -> None:
        self.database, self.world = database, world
        self.worker = BillImports(database, world.vault, batch=4)

    async def upload(self, rows: Sequence[str], head: str = HEAD) -> int:
        content = "\n".join([head, *rows]).encode()
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            made = await service.upload(
                uow,
                vault=self.world.vault,
                compound_id=self.world.areas["a111"],
                name="bills.csv",
                form="csv",
                content=content,
            )
            await service.start(uow, import_id=made)
        return made

    async def confirm(self, made: int, *, skip_faulty: bool = False) -> None:
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            await service.confirm(uow, import_id=made, skip_faulty=skip_faulty)

    async def cancel(self, made: int) -> None:
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            await service.cancel(uow, import_id=made)

    async def account(self, home: str, number: str) -> None:
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            await register_account(
                uow, vault=self.world.vault, home_id=self.world.homes[home], kind=BillKind.WATER, number=number
            )


@pytest.fixture
def imports(clocked: Database, world: World) -> Imports:
    return Imports(clocked, world)


async def state(superuser: asyncpg.Connection, made: int) -> asyncpg.Record:
    found = await superuser.fetchrow("select * from bill_import where id = $1", made)
    assert found is not None
    return found


async def test_a_file_is_checked_confirmed_and_applied(imports: Imports, superuser: asyncpg.Connection) -> None:
    made = await imports.upload([row(n, fen=f"{n}.01") for n in range(1, 11)])
    assert await imports.worker.drain() == 10
    ready = await state(superuser, made)
    assert (ready["state"], ready["total"], ready["bad"], ready["amount_fen"]) == ("ready", 10, 0, 5_510)
    assert await superuser.fetchval("select count(*) from bill") == 0
    await imports.confirm(made)
    await imports.worker.drain()
    done = await state(superuser, made)
    assert (done["state"], done["applied"], done["duplicate"], done["content"]) == ("done", 10, 0, None)
    sums = "select count(*), sum(charge.amount_fen) from bill join charge on charge.id = bill.charge_id"
    assert tuple(await superuser.fetchrow(sums)) == (10, 5_510)
    assert await superuser.fetchval("select count(*) from bill_import_row") == 0
    again = await imports.upload([row(n, fen=f"{n}.01") for n in range(5, 13)])
    await imports.worker.drain()
    await imports.confirm(again)
    await imports.worker.drain()
    assert (await state(superuser, again))["duplicate"] == 6
    assert await superuser.fetchval("select count(*) from charge") == 12


async def test_each_faulty_row_is_named_and_the_others_can_go_on(
    imports: Imports, superuser: asyncpg.Connection
) -> None:
    await imports.account("a111/1", "33010001")
    await imports.account("a111/2", "33010002")
    rows = [
        row(1),
        row(2, fen="1.234"),
        row(3, home="9栋/1/1"),
        row(4, home="b111 1栋/1/1"),
        row(5, kind="水费", key="33010001"),
        row(6, kind="水费", key="33010002"),
        row(7, kind="水费", home="", key="33010002"),
        row(8, kind="水费", key="33019999"),
        row(1),
        row(10, home="a111 1栋/2"),
    ]
    made = await imports.upload(rows)
    await imports.worker.drain()
    faults = await superuser.fetch(
        "select number, fault, fault_column from bill_import_row where fault is not null order by number"
    )
    assert [tuple(fault) for fault in faults] == [
        (2, "BAD_AMOUNT", "bill_entry_amount"),
        (3, "UNKNOWN_HOME", "room_address"),
        (4, "UNKNOWN_HOME", "room_address"),
        (6, "ACCOUNT_OF_ANOTHER_HOME", "bill_key"),
        (8, "UNKNOWN_ACCOUNT", "bill_key"),
        (9, "REPEATED", "bill_entry_id"),
    ]
    with pytest.raises(FaultyRows):
        await imports.confirm(made)
    await imports.account("a111/1", "33019999")  # mended, and checked again without another upload
    async with imports.database.unit_of_work(imports.world.everywhere) as uow:
        await service.start(uow, import_id=made)
    await imports.worker.drain()
    assert (await state(superuser, made))["bad"] == 5
    await imports.confirm(made, skip_faulty=True)
    await imports.worker.drain()
    homes = {number: name for name, number in imports.world.homes.items()}
    found = await superuser.fetch("select source_key, home_id, bill_account_id is not null from bill order by id")
    assert [(key, homes[home], account) for key, home, account in found] == [
        ("property|B1", "a111/1", False),
        ("water|B5", "a111/1", True),
        ("water|B7", "a111/2", True),
        ("water|B8", "a111/1", True),
        ("property|B10", "a111/2", False),
    ]


async def test_a_worker_that_was_killed_is_followed_by_another(imports: Imports, superuser: asyncpg.Connection) -> None:
    made = await imports.upload([row(n) for n in range(1, 15)])
    while (await state(superuser, made))["state"] == "checking":  # every batch by a worker that knows nothing
        task = asyncio.create_task(BillImports(imports.database, imports.world.vault, batch=4).step())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await BillImports(imports.database, imports.world.vault, batch=4).step()
    assert (await state(superuser, made))["checked"] == 14
    await imports.confirm(made)
    while (await state(superuser, made))["state"] == "applying":
        task = asyncio.create_task(BillImports(imports.database, imports.world.vault, batch=4).step())
        await asyncio.wait({task}, timeout=0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await BillImports(imports.database, imports.world.vault, batch=4).step()
    assert await superuser.fetchval("select count(*) from bill") == 14
    assert await superuser.fetchval("select count(*) from charge where state = 'open'") == 14


async def test_workers_side_by_side_make_each_bill_once(imports: Imports, superuser: asyncpg.Connection) -> None:
    files = [await imports.upload([row(n) for n in range(1, 12)]) for _ in range(3)]
    workers = [BillImports(imports.database, imports.world.vault, batch=3) for _ in range(3)]

    async def all_in(wanted: str) -> None:
        while await superuser.fetchval("select count(*) from bill_import where state = $1", wanted) < 3:
            await asyncio.gather(*(worker.step() for worker in workers))

    await all_in("ready")
    for made in files:
        await imports.confirm(made)
    await all_in("done")
    assert await superuser.fetchval("select count(*) from bill") == 11
    assert await superuser.fetchval("select sum(duplicate) from bill_import") == 22


@pytest.mark.parametrize(
    ("head", "rows", "fault"),
    [
        ("a,b", ["1,2"], MISSING),
        (HEAD, ["\0"], "BAD_SHEET"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_fails_with_its_reason(
    imports: Imports, superuser: asyncpg.Connection, head: str, rows: list[str], fault: str
) -> None:
    made = await imports.upload(rows, head)
    assert await imports.worker.drain() == 0
    found = await state(superuser, made)
    assert (found["state"], found["fault"]) == ("failed", fault)
    with pytest.raises(ImportState):
        await imports.confirm(made)
    await imports.cancel(made)
    assert (await state(superuser, made))["content"] is None


async def test_a_row_that_differs_from_the_bill_that_is_here_is_named(
    imports: Imports, superuser: asyncpg.Connection, books: Books
) -> None:
    first = await imports.upload([row(n) for n in range(1, 8)])
    await imports.worker.drain()
    await imports.confirm(first)
    await imports.worker.drain()
    bills = await books.bills()
    await books.correct(bills[1].id, 1_000)
    await books.correct(bills[2].id, 1_000)
    await books.write_off(bills[3].id)
    await books.set_charge(bills[4], "paid")
    await books.correct(bills[4].id, 1_500)
    same = [row(1), row(2, fen="10"), row(3), row(4, fen="9"), row(5, fen="15")]
    other = [row(6, fen="9"), row(7, home="a111 1栋/1/2"), row(8)]
    made = await imports.upload([*same, *other])
    await imports.worker.drain()
    assert await faults(superuser, made) == [(6, "DIFFERS", "bill_entry_amount"), (7, "DIFFERS", "bill_entry_id")]
    with pytest.raises(FaultyRows):
        await imports.confirm(made)
    await imports.confirm(made, skip_faulty=True)
    await imports.worker.drain()
    done = await state(superuser, made)
    assert (done["state"], done["bad"], done["duplicate"]) == ("done", 2, 5)
    assert await superuser.fetchval("select count(*) from bill where source = 'import'") == 8
    moved = await imports.upload([row(1).replace("2026-10", "2026-09")])
    await imports.worker.drain()
    assert await faults(superuser, moved) == [(1, "DIFFERS", "acct_period")]


async def faults(superuser: asyncpg.Connection, made: int) -> list[tuple[int, str, str]]:
    """Number, fault and column of an import's faulty rows."""
    rows = await superuser.fetch(
        "select number, fault, fault_column from bill_import_row where import_id = $1 and fault is not null"
        " order by number",
        made,
    )
    return [tuple(found) for found in rows]


async def test_of_two_files_that_differ_the_second_says_so_when_it_is_applied(
    imports: Imports, superuser: asyncpg.Connection
) -> None:
    files = [await imports.upload([row(1, fen=fen), row(2)]) for fen in ("12.30", "15.00")]
    await imports.worker.drain()
    for made in files:
        await imports.confirm(made)
    await imports.worker.drain()
    found = [await state(superuser, made) for made in files]
    assert [(done["state"], done["bad"], done["duplicate"]) for done in found] == [("done", 0, 0), ("done", 1, 1)]
    assert await faults(superuser, files[1]) == [(1, "DIFFERS", "bill_entry_amount")]
    assert await superuser.fetchval("select count(*) from bill") == 2


async def test_what_was_cancelled_makes_no_bills(imports: Imports, superuser: asyncpg.Connection) -> None:
    made = await imports.upload([row(n) for n in range(1, 9)])
    await imports.worker.step()
    await imports.cancel(made)
    assert await imports.worker.drain() == 0
    assert await superuser.fetchval("select count(*) from bill_import_row") == 0
    for act in (imports.cancel, imports.confirm):
        with pytest.raises(ImportState):
            await act(made)


async def test_an_import_that_fails_waits_and_the_others_go_on(
    imports: Imports, superuser: asyncpg.Connection, clock: Clock
) -> None:
    broken = await imports.upload([row(1)])
    good = await imports.upload([row(2)])
    await imports.worker.drain()
    for made in (broken, good):
        await imports.confirm(made)
    await superuser.execute("update bill_import_row set amount_fen = 3000000000 where import_id = $1", broken)
    with pytest.raises(InvalidCharge):
        await imports.worker.drain()
    assert await imports.worker.drain() == 1
    assert [(await state(superuser, made))["state"] for made in (broken, good)] == ["applying", "done"]
    await superuser.execute("update bill_import_row set amount_fen = 1 where import_id = $1", broken)
    clock.advance(minutes=1)
    await imports.worker.drain()
    assert (await state(superuser, broken))["state"] == "done"
