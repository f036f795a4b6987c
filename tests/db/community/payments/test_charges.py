"""Charges: opened in sets, changed and voided while nobody pays them, each with its entry in the ledger."""

from __future__ import annotations

import asyncio
from datetime import date
from itertools import count

import asyncpg
import pytest

from domain.community.payments.charges import (
    MOST_FEN,
    ChargeKind,
    NewCharge,
    change_charge,
    open_charge,
    open_charges,
    void_charge,
)
from domain.community.payments.errors import ChargeExists, ChargeFrozen, InvalidCharge
from domain.kernel.actor import Scope, system_actor
from domain.kernel.errors import NotFound
from domain.kernel.uow import Database
from tests.factories.world import World

_ids = count(1)


def new(world: World, home: str = "a111/1", amount: int = 1230, title: str = "水费") -> NewCharge:
    return NewCharge(world.homes[home], ChargeKind.PROPERTY, next(_ids), amount, title, date(2026, 12, 1))


async def owed(superuser: asyncpg.Connection, home: int) -> int:
    """What the ledger says the home owes."""
    return int(
        await superuser.fetchval(
            "select coalesce(sum(case when debit = 'receivable' then amount_fen else -amount_fen end), 0)"
            " from ledger_entry where home_id = $1 and 'receivable' in (debit, credit)",
            home,
        )
    )


async def test_a_set_of_charges_is_opened_in_the_order_given(
    clocked: Database, world: World, superuser: asyncpg.Connection
) -> None:
    wanted = [new(world, home, amount) for home, amount in (("b111/2", 5), ("a111/1", 7), ("a111/2", 9), ("a111/1", 3))]
    async with clocked.unit_of_work(world.everywhere) as uow:
        assert await open_charges(uow, []) == []
        ids = await open_charges(uow, wanted)
    stored = {row["id"]: row for row in await superuser.fetch("select * from charge")}
    assert [(stored[i]["home_id"], stored[i]["amount_fen"], stored[i]["subject_id"]) for i in ids] == [
        (each.home_id, each.amount_fen, each.subject_id) for each in wanted
    ]
    first = stored[ids[0]]
    assert (first["state"], first["compound_id"], first["due_on"]) == ("open", world.areas["b111"], date(2026, 12, 1))
    assert first["opened_at"] == clocked.clock()
    assert await owed(superuser, world.homes["a111/1"]) == 10
    assert await owed(superuser, world.homes["a111/2"]) == 9


async def test_one_thing_is_charged_once_until_the_charge_is_void(
    clocked: Database, world: World, superuser: asyncpg.Connection
) -> None:
    wanted = new(world)
    async with clocked.unit_of_work(world.everywhere) as uow:
        charge_id = await open_charge(uow, wanted)
    for twice in ([wanted], [new(world), wanted], [again := new(world), again]):
        with pytest.raises(ChargeExists):
            async with clocked.unit_of_work(world.everywhere) as uow:
                await open_charges(uow, twice)
    async with clocked.unit_of_work(world.everywhere) as uow:
        await void_charge(uow, charge_id=charge_id)
        assert await open_charge(uow, wanted) != charge_id
    assert await superuser.fetchval("select count(*) from charge") == 2
    assert await owed(superuser, wanted.home_id) == wanted.amount_fen


async def test_two_who_charge_one_thing_at_once_charge_it_once(clocked: Database, world: World) -> None:
    wanted = new(world)

    async def charge() -> int:
        async with clocked.unit_of_work(world.everywhere) as uow:
            return await open_charge(uow, wanted)

    done = await asyncio.gather(*(charge() for _ in range(5)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["ChargeExists"] * 4 + ["int"]


async def test_an_open_charge_may_change_and_the_ledger_says_by_how_much(
    clocked: Database, world: World, superuser: asyncpg.Connection
) -> None:
    async with clocked.unit_of_work(world.everywhere) as uow:
        charge_id = await open_charge(uow, wanted := new(world, amount=1000))
        await change_charge(uow, charge_id=charge_id, amount_fen=1500)
        await change_charge(uow, charge_id=charge_id, amount_fen=1500)
        await change_charge(uow, charge_id=charge_id, amount_fen=400)
    rows = await superuser.fetch("select kind, debit, credit, amount_fen from ledger_entry order by id")
    assert [tuple(row) for row in rows] == [
        ("opened", "receivable", "income", 1000),
        ("opened", "receivable", "income", 500),
        ("reduced", "income", "receivable", 1100),
    ]
    assert await owed(superuser, wanted.home_id) == 400


@pytest.mark.parametrize("state", ["held", "paid", "void"])
async def test_what_is_being_paid_paid_or_void_is_frozen(
    clocked: Database, world: World, superuser: asyncpg.Connection, state: str
) -> None:
    async with clocked.unit_of_work(world.everywhere) as uow:
        charge_id = await open_charge(uow, new(world))
    paid_at = clocked.clock() if state == "paid" else None
    await superuser.execute("update charge set state = $1, paid_at = $2", state, paid_at)
    with pytest.raises(ChargeFrozen):
        async with clocked.unit_of_work(world.everywhere) as uow:
            await change_charge(uow, charge_id=charge_id, amount_fen=1)
    with pytest.raises(ChargeFrozen):
        async with clocked.unit_of_work(world.everywhere) as uow:
            await void_charge(uow, charge_id=charge_id)


@pytest.mark.parametrize(("amount", "title"), [(0, "x"), (-1, "x"), (MOST_FEN + 1, "x"), (1, " "), (1, "x" * 201)])
async def test_a_charge_is_an_amount_with_a_title(clocked: Database, world: World, amount: int, title: str) -> None:
    async with clocked.unit_of_work(world.everywhere) as uow:
        with pytest.raises(InvalidCharge):
            await open_charges(uow, [new(world), new(world, amount=amount, title=title)])
        if title == "x":
            with pytest.raises(InvalidCharge):
                await change_charge(uow, charge_id=1, amount_fen=amount)


async def test_another_compounds_homes_and_charges_are_not_there(clocked: Database, world: World) -> None:
    async with clocked.unit_of_work(world.everywhere) as uow:
        charge_id = await open_charge(uow, new(world, "b111/1"))
    here = system_actor(Scope(compounds=(world.areas["a111"],)))
    for home in (world.homes["b111/1"], 999_999):
        with pytest.raises(NotFound):
            async with clocked.unit_of_work(here) as uow:
                await open_charges(uow, [new(world), NewCharge(home, ChargeKind.REPAIR, 1, 1, "x")])
    with pytest.raises(NotFound):
        async with clocked.unit_of_work(here) as uow:
            await change_charge(uow, charge_id=charge_id, amount_fen=1)
    with pytest.raises(NotFound):
        async with clocked.unit_of_work(here) as uow:
            await void_charge(uow, charge_id=charge_id)


@pytest.mark.parametrize(
    "change",
    [
        "set refunded_fen = 1",
        "set state = 'paid', paid_at = now(), refunded_fen = amount_fen, refunding_fen = 1",
        "set state = 'paid', paid_at = now(), refunded_fen = -1",
        "set state = 'paid'",
        "set paid_at = now()",
        "set amount_fen = 0",
    ],
)
async def test_the_database_refuses_what_cannot_be(
    clocked: Database, world: World, superuser: asyncpg.Connection, change: str
) -> None:
    async with clocked.unit_of_work(world.everywhere) as uow:
        await open_charge(uow, new(world))
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser.execute(f"update charge {change}")
