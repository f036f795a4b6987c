"""What every source of bills must do, and what is made of its answers: each bill once, of its own home, or none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from domain.community.bills.accounts import end_account, register_account
from domain.community.bills.kinds import BillKind
from domain.community.bills.pull.ports import BillEntry, InstBill, InstBillQuery, InstBills, SubBizType
from domain.community.bills.pull.pulling import Taken, due_accounts, take_bills
from domain.kernel.uow import Database
from tests.contract.bills.systems import PropertySystem, Supplier, of_ports
from tests.factories.clock import Clock
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.world import World
from workers import bill_pull
from workers.bill_pull import pull_property, pull_steps, pull_utilities
from workers.bills import BillImports

__all__ = ["clock", "clocked", "news", "vault", "world"]
WATER = (SubBizType.WATER, "330100200300")
OCTOBER = InstBill("12.30", "202610", "W-1", bill_fines="0.45", balance="3.10")


@pytest.fixture
async def account(clocked: Database, world: World) -> int:
    async with clocked.unit_of_work(world.everywhere) as uow:
        return await register_account(
            uow,
            vault=world.vault,
            home_id=world.homes["a111/1"],
            kind=BillKind.WATER,
            number=WATER[1],
            institution="示例水务",
        )


async def pull(world: World, supplier: Supplier) -> int:
    port, _ = of_ports(supplier, PropertySystem())
    pulled = await pull_utilities(world.database, world.vault, port, limit=10)
    return pulled.heard + pulled.unheard


async def test_an_accounts_bills_are_asked_for_once_a_day_and_made_once(
    world: World, clock: Clock, account: int, superuser: asyncpg.Connection
) -> None:
    supplier = Supplier({WATER: [OCTOBER, InstBill("8", "2026-09", "W-0")]})
    assert (await pull(world, supplier), await pull(world, supplier)) == (1, 0)
    assert supplier.asked == [InstBillQuery(SubBizType.WATER, "示例水务", WATER[1])]
    clock.advance(days=1)
    supplier.bills[WATER].append(InstBill("9.99", "202611", "W-2"))
    assert await pull(world, supplier) == 1
    rows = await superuser.fetch(
        "select bill.source_key, bill.amount_fen, bill.late_fee_fen, charge.amount_fen as due, bill.home_id,"
        " bill.bill_account_id, bill.source from bill join charge on charge.id = bill.charge_id order by bill.id"
    )
    home = world.homes["a111/1"]
    assert [tuple(row) for row in rows] == [
        ("water|示例水务|W-1", 1_230, 45, 1_275, home, account, "pulled"),
        ("water|示例水务|W-0", 800, 0, 800, home, account, "pulled"),
        ("water|示例水务|W-2", 999, 0, 999, home, account, "pulled"),
    ]


@pytest.mark.parametrize("mood", ["away", "silent"])
async def test_a_supplier_that_does_not_answer_is_asked_again_in_an_hour(
    world: World, clock: Clock, account: int, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, mood: str
) -> None:
    monkeypatch.setattr(bill_pull, "SECONDS", 0.02)
    supplier = Supplier({WATER: [OCTOBER]}, mood=mood)
    assert await pull(world, supplier) == 1
    assert await superuser.fetchval("select count(*) from bill") == 0
    supplier.mood = "well"
    clock.advance(minutes=59)
    assert await pull(world, supplier) == 0
    clock.advance(minutes=1)
    assert await pull(world, supplier) == 1
    assert await superuser.fetchval("select count(*) from bill") == 1


async def test_what_cannot_be_understood_makes_no_bill_and_hides_no_other(
    world: World, account: int, superuser: asyncpg.Connection
) -> None:
    odd = [
        InstBill("1.234", "202610", "X1"),
        InstBill("0", "202610", "X2"),
        InstBill("-5", "202610", "X3"),
        InstBill("5", "2026", "X4"),
        InstBill("5", "202610", ""),
        InstBill("5", "202610", "X6", bill_fines="-1"),
    ]
    await pull(world, Supplier({WATER: [*odd, OCTOBER]}))
    assert await superuser.fetchval("select array_agg(source_key) from bill") == ["water|示例水务|W-1"]


async def test_an_account_that_ended_meanwhile_gets_no_bills(
    world: World, account: int, superuser: asyncpg.Connection
) -> None:
    async with world.database.unit_of_work(world.everywhere) as uow:
        (due,) = await due_accounts(uow, vault=world.vault, limit=10)
    async with world.database.unit_of_work(world.everywhere) as uow:
        await end_account(uow, account_id=account)
    async with world.database.unit_of_work(world.everywhere) as uow:
        assert await take_bills(uow, due=due, answer=InstBills((OCTOBER,), "2")) == Taken()
    assert await superuser.fetchval("select count(*) from bill") == 0


async def test_workers_share_accounts_out(world: World, account: int, superuser: asyncpg.Connection) -> None:
    supplier = Supplier({WATER: [OCTOBER]})
    assert sorted(await asyncio.gather(*(pull(world, supplier) for _ in range(3)))) == [0, 0, 1]
    assert len(supplier.asked) == 1


async def test_the_worker_asks_beside_the_schedule_until_nobody_is_due(
    world: World, account: int, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.database.unit_of_work(world.everywhere) as uow:
        for number, home in enumerate(("a111/1", "a111/2", "a112/1")):
            await register_account(
                uow, vault=world.vault, home_id=world.homes[home], kind=BillKind.GAS, number=f"000{number}"
            )
    monkeypatch.setattr(bill_pull, "BATCH", 2)
    supplier = Supplier({WATER: [OCTOBER]})
    (step,) = pull_steps(of_ports(supplier, PropertySystem())[0], world.vault)
    assert [await step.run(world.database) for _ in range(2)] == [0, 0]
    (task,) = (task for task in asyncio.all_tasks() if task.get_coro().__name__ == "_beside")  # type: ignore[union-attr]
    await task
    assert (step.name, step.every, len(supplier.asked)) == ("bills.pull", timedelta(minutes=5), 4)
    assert await superuser.fetchval("select count(*) from bill") == 1  # of the others no supplier knows
    assert pull_steps(None, world.vault) == ()


@pytest.mark.parametrize(
    ("asked", "hours"), [("2026-11-20T05:59", 1 / 60), ("2026-11-20T06:00", 24), ("2026-11-20T23:30", 6.5)]
)
async def test_an_account_is_due_again_at_six_in_its_compounds_morning(
    world: World, clock: Clock, account: int, superuser: asyncpg.Connection, asked: str, hours: float
) -> None:
    clock.instant = datetime.fromisoformat(f"{asked}+08:00").astimezone(UTC)
    await superuser.execute("update bill_account set ask_at = $1", clock.instant)
    await pull(world, Supplier({WATER: []}))
    due = await superuser.fetchval("select ask_at from bill_account where id = $1", account)
    assert due == clock.instant + timedelta(hours=hours)


async def test_a_kind_nobody_can_be_asked_for_waits(world: World, account: int) -> None:
    supplier = Supplier({WATER: [OCTOBER]}, sub_biz_types=frozenset({SubBizType.GAS}))
    assert await pull(world, supplier) == 0
    supplier.sub_biz_types = frozenset({SubBizType.WATER})
    assert await pull(world, supplier) == 1


async def test_a_property_systems_entries_come_as_a_file_to_look_at(
    world: World, superuser: asyncpg.Connection
) -> None:
    rooms = ("a111 1栋/1/1", "a111 1栋/1/2", "a111 1栋/1/9")
    entries = [BillEntry(f"E{n}", room, "2026-10", "物业费", "88.80", "20261130") for n, room in enumerate(rooms)]
    _, port = of_ports(Supplier(), PropertySystem({"EXAMPLE": entries}))
    compound = world.areas["a111"]
    made = await pull_property(world.database, world.vault, port, compound_id=compound, community_id="EXAMPLE")
    await BillImports(world.database, world.vault).drain()
    found = await superuser.fetchrow("select state, total, bad, amount_fen from bill_import where id = $1", made)
    assert tuple(found) == ("ready", 3, 1, 17_760)
