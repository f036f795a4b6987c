"""Bills of vendors held against what stands here, and the people who deal with what differs; invoices."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from domain.community.payments.charges import refund_charge
from domain.community.payments.ports import BillLine, GatewayRefused, LineKind, Vendor
from domain.community.payments.reconciling import Ours, compare, days_to_reconcile
from domain.community.payments.rules import BEIJING, bill_day
from domain.kernel.actor import NOTHING
from tests.factories.clock import Clock
from tests.factories.till import Bought, Till
from workers.payments import look_at_attempts, look_at_refunds, reconcile_days


@pytest.fixture(autouse=True)
def morning(clock: Clock) -> None:
    """Eight in the morning in Beijing, so that a day ends when a test says so."""
    clock.instant = datetime.combine(bill_day(clock.instant), time(8), BEIJING)


async def paid(till: Till, *amounts: int) -> Bought:
    bought = await till.bought(*amounts)
    await till.take(bought.paid())
    return bought


async def next_morning(till: Till, clock: Clock) -> int:
    """The bill of the day is held against our rows; how many differences are new."""
    clock.advance(days=1, hours=3)
    found = await reconcile_days(till.database, gateways=dict(till.vendors))
    clock.advance(hours=-3)
    return found


async def kinds(till: Till) -> list[tuple[str, int | None, int | None]]:
    return [
        (row["kind"], row["ours_fen"], row["theirs_fen"]) for row in (await till.rows("reconciliation_item")).values()
    ]


async def test_a_day_that_agrees_leaves_nothing_to_do(till: Till, clock: Clock) -> None:
    bought = await paid(till, 100, 50)
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        await refund_charge(uow, charge_id=bought.charges[0], amount_fen=30, reason="退回")
    await look_at_refunds(till.database, gateways=dict(till.vendors))
    await till.take(bought.vendor.finish(*bought.vendor.refunds))
    assert await next_morning(till, clock) == 0
    stored = await till.superuser.fetchrow("select * from reconciliation where vendor = 'wechat' order by day desc")
    assert stored is not None
    said = [stored[name] for name in ("lines", "matched", "differences", "paid_fen", "refunded_fen")]
    assert said == [2, 2, 0, 150, 30]
    assert await next_morning(till, clock) == 0
    assert await kinds(till) == []


async def test_what_differs_is_put_before_a_person_once(till: Till, clock: Clock) -> None:
    right, wrong, untold = await paid(till, 100), await paid(till, 200), await paid(till, 300)
    lines, area = right.vendor.lines, till.world.areas["a111"]
    lines[:] = [line for line in lines if line.out_trade_no != untold.number]
    lines[:] = [replace(each, amount_fen=199) if each.out_trade_no == wrong.number else each for each in lines]
    lines.append(BillLine(LineKind.PAYMENT, f"zt{area}_{'0' * 18}", "T9", 70, clock()))
    lines.append(BillLine(LineKind.REFUND, right.number, "T8", 5, clock(), f"zr{area}_{'0' * 18}"))
    lines.append(BillLine(LineKind.PAYMENT, "SHOP-1", "T7", 1, clock()))
    assert await next_morning(till, clock) == 4
    assert sorted(await kinds(till), key=str) == [
        ("bill_payment_amount", 200, 199),
        ("bill_payment_missing", 300, None),
        ("bill_payment_unknown", None, 70),
        ("bill_refund_unknown", None, 5),
    ]
    await till.superuser.execute("delete from reconciliation")
    clock.advance(hours=3)
    assert await reconcile_days(till.database, gateways=dict(till.vendors)) == 0
    assert (await till.superuser.fetchval("select max(foreign_lines) from reconciliation")) == 1


async def test_a_payment_of_which_nobody_told_is_found_by_the_bill_and_taken(till: Till, clock: Clock) -> None:
    bought = await till.bought(100)
    bought.paid()
    await till.superuser.execute("update payment_attempt set state = 'closed', check_at = null, launch = null")
    assert await next_morning(till, clock) == 1
    assert await kinds(till) == [("bill_payment_not_taken", 100, 100)]
    clock.advance(hours=3)
    assert await look_at_attempts(till.database, gateways=dict(till.vendors)) == 1
    assert await till.states("payment_order") == ["paid"]
    await till.sound()


async def test_a_bill_that_is_not_there_yet_is_asked_for_again(till: Till, clock: Clock) -> None:
    vendor = till.vendors[Vendor.ALIPAY]
    whole = vendor.download_bill

    async def none(_: object) -> list[BillLine]:
        raise GatewayRefused(reason="NO_STATEMENT_EXIST")

    vendor.download_bill = none  # type: ignore[method-assign,assignment]
    await next_morning(till, clock)
    async with till.database.reader(NOTHING) as reader:
        later = clock() + timedelta(hours=3)
        assert len(await days_to_reconcile(reader, Vendor.ALIPAY, later)) == 3
        assert await days_to_reconcile(reader, Vendor.WECHAT, later) == []
        assert len(await days_to_reconcile(reader, Vendor.WECHAT, later + timedelta(days=1))) == 1
    vendor.download_bill = whole  # type: ignore[method-assign]
    clock.advance(hours=3)
    await reconcile_days(till.database, gateways=dict(till.vendors))
    async with till.database.reader(NOTHING) as reader:
        assert await days_to_reconcile(reader, Vendor.ALIPAY, clock()) == []


async def test_a_bill_of_a_busy_day_has_more_lines_than_a_statement_has_parameters(till: Till, clock: Clock) -> None:
    bought = await paid(till, 100)
    whole = bought.vendor.download_bill
    others = [BillLine(LineKind.PAYMENT, f"other_{number}", "T", 1, clock()) for number in range(33_000)]
    back = [BillLine(LineKind.REFUND, "other_1", "T", 1, clock(), f"back_{number}") for number in range(33_000)]

    async def busy(day: date) -> list[BillLine]:
        return [*await whole(day), *others, *back]

    bought.vendor.download_bill = busy  # type: ignore[method-assign]
    assert await next_morning(till, clock) == 0
    stored = await till.superuser.fetchrow("select * from reconciliation where vendor = 'wechat' order by day desc")
    assert stored is not None
    assert [stored[name] for name in ("lines", "matched", "foreign_lines")] == [66_001, 1, 66_000]


def test_a_refund_that_is_not_made_here_yet_is_asked_about(clock: Clock) -> None:
    lines = [BillLine(LineKind.REFUND, "zt1", "T", 5, clock(), "zr1")]
    compared = compare(Vendor.WECHAT, lines, {}, {"zr1": Ours(3, 1, 5, False)})
    assert (compared.ask_refunds, [each.kind for each in compared.differences]) == ([3], ["bill_refund_not_taken"])
