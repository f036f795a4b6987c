"""Suppliers' bills that change, or are listed no longer, after they came: what is open follows, nothing else moves."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from domain.community.bills.prepaid import deposit
from domain.community.bills.pull.ports import InstBill
from domain.community.bills.service import NewLine, correct_bill, write_off_bill
from domain.community.payments.errors import ChargeHeld
from domain.community.payments.service import cancel_order
from domain.kernel.uow import Database
from tests.contract.bills.mornings import HOME, WATER, Mornings, bill
from tests.contract.bills.test_suppliers import says
from tests.factories.clock import Clock
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.payments import counter
from tests.factories.world import World
from workers.bill_pull import pull_utilities

__all__ = ["clock", "clocked", "news", "vault", "world"]


@pytest.fixture
async def mornings(world: World, clock: Clock, clocked: Database, superuser: asyncpg.Connection) -> Mornings:
    made = Mornings(world, clock, superuser)
    await made.begin()
    return made


async def test_an_unpaid_bill_is_replaced_by_what_its_supplier_says_now(
    mornings: Mornings, superuser: asyncpg.Connection
) -> None:
    await mornings.ask(bill("12.30"))
    assert (await mornings.next(bill("12.30"))).changed == 0
    assert (await mornings.next(bill("10.00"))).changed == 1
    assert (await mornings.next(bill("10.00"))).changed == 0
    assert (await mornings.next(bill("10.00", month="202609"))).changed == 1
    assert await mornings.bills() == [
        ("replaced", 1_230, "void", 1_230),
        ("replaced", 1_000, "void", 1_000),
        ("issued", 1_000, "open", 1_000),
    ]
    rows = await superuser.fetch("select corrects, period_from::text, source, reason from bill order by id")
    assert [row["period_from"] for row in rows] == ["2026-10-01", "2026-10-01", "2026-09-01"]
    assert [row["source"] for row in rows] == ["pulled", "correction", "correction"]
    assert rows[0]["corrects"] is None
    assert rows[0]["reason"].startswith("缴费机构更改了账单")
    assert await mornings.acts() == ["bill.corrected", "bill.corrected"]
    await mornings.till.sound()


async def test_a_suppliers_late_fee_changes_in_place(mornings: Mornings) -> None:
    await mornings.ask(bill("12.30", fines="0.10"))
    assert (await mornings.next(bill("12.30", fines="0.45"))).changed == 1
    assert await mornings.bills() == [("issued", 1_230, "open", 1_275)]
    await mornings.next(bill("12.30"))
    assert await mornings.bills() == [("issued", 1_230, "open", 1_230)]
    await mornings.till.sound()


async def test_a_paid_bill_stays_and_a_manager_is_told_once(mornings: Mornings) -> None:
    await mornings.ask(bill("12.30"))
    await mornings.pay()
    assert (await mornings.next(bill("15.00", fines="1"))).told == 1
    assert (await mornings.next(bill("15.00", fines="2"))).told == 0
    assert (await mornings.next()).told == 0
    assert await mornings.bills() == [("issued", 1_230, "paid", 1_230)]
    assert await mornings.items() == [("supplier", "utility_bill_amount", 1_230, 1_500)]
    await mornings.till.sound()


async def test_what_the_office_decided_stands(mornings: Mornings, superuser: asyncpg.Connection) -> None:
    everywhere = mornings.world.everywhere
    await mornings.ask(bill("12.30"), bill("5.00", "W-2"))
    first, second = [row["id"] for row in await superuser.fetch("select id from bill order by id")]
    async with mornings.world.database.unit_of_work(everywhere) as uow:
        await correct_bill(uow, bill_id=first, lines=[NewLine("水费", 900)], reason="漏水减免")
    async with mornings.world.database.unit_of_work(everywhere) as uow:
        await write_off_bill(uow, bill_id=second, reason="空置")
    as_decided = [("replaced", 1_230, "void", 1_230), ("written_off", 500, "void", 500), ("issued", 900, "open", 900)]
    await mornings.next(bill("12.30"), bill("5.00", "W-2"))
    assert (await mornings.bills(), await mornings.items()) == (as_decided, [])
    assert (await mornings.next(bill("12.50"), bill("6.00", "W-2"))).told == 1
    for _ in range(3):  # missing: but what the office asks for may be its own by now
        await mornings.next(bill("6.00", "W-2"))
    assert await mornings.bills() == as_decided
    assert await mornings.items() == [("supplier", "utility_bill_amount", 900, 1_250)]


async def test_a_bill_that_is_missing_on_two_mornings_is_asked_for_no_longer(
    mornings: Mornings, superuser: asyncpg.Connection
) -> None:
    november = bill("8.00", "W-2", "202611")
    await mornings.ask(bill("12.30"))
    assert (await mornings.next(november)).withdrawn == 0
    assert (await mornings.next(november)).withdrawn == 1
    gone = [("withdrawn", 1_230, "void", 1_230), ("issued", 800, "open", 800)]
    assert await mornings.bills() == gone
    assert await mornings.acts() == ["bill.withdrawn"]
    assert (await mornings.next(november)).withdrawn == 0
    assert (await mornings.next(november, bill("12.40"))).changed == 1  # it was not paid after all
    assert await mornings.bills() == [*gone, ("issued", 1_240, "open", 1_240)]
    assert await superuser.fetchval("select deadline::text from bill order by id desc limit 1") == "2026-12-10"
    assert (await mornings.next(november, bill("12.40"))).changed == 0
    await mornings.till.sound()


async def test_what_is_not_a_whole_list_closes_nothing(mornings: Mornings) -> None:
    november, odd = bill("8.00", "W-2", "202611"), bill("1.234", "W-3")
    await mornings.ask(bill("12.30"))
    for _ in range(3):
        await mornings.next()
        await mornings.next(november, odd)
        await mornings.next(bill("7.00", "W-1"), bill("7.50", "W-1"), november)  # a number with two meanings
        for mode in ("", "4", "5"):
            mornings.supplier.charge_mode = mode
            await mornings.next(november)
        mornings.supplier.charge_mode, mornings.supplier.mood = "2", "away"
        await mornings.next(november)
        mornings.supplier.mood = "well"
    assert await mornings.bills() == [("issued", 1_230, "open", 1_230), ("issued", 800, "open", 800)]


async def test_a_bill_that_is_listed_again_between_is_not_missing(mornings: Mornings) -> None:
    october, november = bill("12.30"), bill("8.00", "W-2", "202611")
    await mornings.ask(october)
    for _ in range(3):
        await mornings.next(november)
        await mornings.next(october, november)
    assert await mornings.bills() == [("issued", 1_230, "open", 1_230), ("issued", 800, "open", 800)]


async def test_what_was_paid_ahead_comes_back_and_is_used_again(mornings: Mornings) -> None:
    everywhere = mornings.world.everywhere
    await mornings.ask(bill("12.30"))
    async with mornings.world.database.unit_of_work(everywhere) as uow:
        await deposit(uow, home_id=mornings.world.homes[HOME], amount_fen=300)
    async with mornings.world.database.unit_of_work(everywhere) as uow:
        first = next(iter(await mornings.till.rows("bill")))
        await correct_bill(uow, bill_id=first, lines=[NewLine("水费", 1_000)], reason="抄表有误")
    await mornings.next(bill("10.00"))  # the supplier has come to say so too
    assert (await mornings.next(bill("10.00", fines="0.50"))).changed == 1
    assert (await mornings.bills())[-1] == ("issued", 1_000, "open", 750)
    assert (await mornings.bills())[-2] == ("replaced", 1_000, "void", 700)


async def test_who_begins_to_pay_while_a_change_comes_pays_what_was_shown(
    mornings: Mornings, superuser: asyncpg.Connection
) -> None:
    await mornings.ask(bill("12.30"))
    async with mornings.held() as order:
        asked = asyncio.create_task(mornings.next(bill("15.00")))
        await mornings.blocks(asked)
    assert (await asked).changed == 0
    assert await mornings.bills() == [("issued", 1_230, "held", 1_230)]
    mornings.clock.advance(minutes=59)
    assert (await mornings.ask(bill("15.00"))).heard == 0
    async with mornings.world.database.unit_of_work(await mornings.till.resident()) as uow:
        await cancel_order(uow, order_id=order)
    mornings.clock.advance(minutes=1)
    assert (await mornings.ask(bill("15.00"))).changed == 1
    assert (await mornings.bills())[-1] == ("issued", 1_500, "open", 1_500)
    await mornings.till.sound()


async def test_who_comes_after_a_change_finds_the_new_bill(mornings: Mornings) -> None:
    await mornings.ask(bill("12.30"))
    before = await mornings.charge()
    await mornings.next(bill("15.00"))
    with pytest.raises(ChargeHeld):
        await mornings.till.order([before])
    await mornings.till.order([await mornings.charge()])


@pytest.mark.parametrize("listed", [(bill("15.00"),), (bill("8.00", "W-2", "202611"),)])
async def test_of_paying_and_a_change_at_once_one_comes_first(
    mornings: Mornings, superuser: asyncpg.Connection, listed: tuple[InstBill, ...]
) -> None:
    await mornings.ask(bill("12.30"))
    await mornings.next(bill("8.00", "W-2", "202611"))
    charge = int(await superuser.fetchval("select charge_id from bill order by id limit 1"))
    paying = asyncio.create_task(mornings.till.order([charge]))
    pulled = await mornings.next(*listed)
    (paid,) = await asyncio.gather(paying, return_exceptions=True)
    moved = pulled.changed + pulled.withdrawn
    assert moved == isinstance(paid, ChargeHeld)
    state = await superuser.fetchval("select state from charge where id = $1", charge)
    assert state == ("void" if moved else "held")
    await mornings.till.sound()


async def test_alipays_answers_change_and_withdraw_bills(mornings: Mornings) -> None:
    def told(*bills: dict[str, str], mode: str = "2") -> None:
        says(shop, {"code": "10000", "bill_key": WATER[1], "charge_mode": mode, "inst_bills": list(bills)})

    october = {"amount": "12.30", "bill_date": "20261031", "inst_bill_no": "W-1"}
    november = {"amount": "8.00", "bill_date": "20261130", "inst_bill_no": "W-2"}
    async with counter() as shop:

        async def next_morning() -> tuple[int, int, int]:
            mornings.clock.advance(days=1)
            pulled = await pull_utilities(mornings.world.database, mornings.world.vault, shop.utilities, limit=10)
            return pulled.made, pulled.changed, pulled.withdrawn

        told(october)
        assert await next_morning() == (1, 0, 0)
        told(october | {"amount": "11.00"})
        assert await next_morning() == (0, 1, 0)
        told(november, mode="4")
        assert await next_morning() == (1, 0, 0)
        assert await next_morning() == (0, 0, 0)
        told(november)
        assert await next_morning() == (0, 0, 0)
        told()
        assert await next_morning() == (0, 0, 0)
        told(november)
        assert await next_morning() == (0, 0, 1)
