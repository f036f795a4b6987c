"""The worker asks vendors about what is under way: what no notification told is found all the same."""

from __future__ import annotations

import asyncio

import pytest

from domain.community.payments import service
from domain.community.payments.charges import refund_charge
from domain.community.payments.ports import Channel, RefundState, Vendor
from tests.factories.clock import Clock
from tests.factories.till import Bought, Till
from workers.payments import look_at_attempts, look_at_refunds, payment_steps
from workers.schedule import Schedule


async def look(till: Till, seconds: float = 5.0) -> tuple[int, int]:
    gateways = dict(till.vendors)
    found = await look_at_attempts(till.database, gateways=gateways, seconds=seconds)
    return found, await look_at_refunds(till.database, gateways=gateways, seconds=seconds)


async def cancel(till: Till, order: int) -> None:
    async with till.database.unit_of_work(await till.resident()) as uow:
        await service.cancel_order(uow, order_id=order)


async def test_a_payment_that_no_notification_told_of_is_found(till: Till, clock: Clock) -> None:
    bought = await till.bought(100)
    assert await look(till) == (0, 0)
    clock.advance(seconds=5)
    assert await look(till) == (1, 0)
    assert await till.states("payment_attempt") == ["open"]
    bought.paid()
    assert await look(till) == (0, 0), "it waits longer each time"
    clock.advance(seconds=10)
    assert await look(till) == (1, 0)
    assert await till.states("payment_order") == ["paid"]
    clock.advance(minutes=10)
    assert await look(till) == (0, 0)
    await till.sound()


async def test_two_workers_ask_about_one_attempt_once(till: Till, clock: Clock) -> None:
    bought = await till.bought(100)
    bought.paid()
    clock.advance(seconds=5)
    assert sorted(await asyncio.gather(look(till), look(till))) == [(0, 0), (1, 0)]
    assert bought.vendor.calls.count("query") == 1


async def test_a_cancelled_order_is_closed_at_the_vendor_and_paid_no_more(till: Till, clock: Clock) -> None:
    bought = await till.bought(100)
    await cancel(till, bought.order)
    assert await look(till) == (1, 0)
    assert await till.states("payment_attempt") == ["closed"]
    with pytest.raises(ValueError, match="closed"):
        bought.paid()
    await till.sound()


async def test_a_cancelled_order_that_was_just_paid_is_paid(till: Till) -> None:
    bought = await till.bought(100)
    bought.paid()
    await cancel(till, bought.order)
    assert await look(till) == (1, 0)
    assert await till.states("payment_order") == ["paid"]
    await till.sound()


async def test_a_code_that_nobody_scanned_is_asked_about_until_its_time_is_over(till: Till, clock: Clock) -> None:
    bought = await till.bought(100, channel=Channel.ALIPAY_QR)
    del bought.vendor.trades[bought.number]
    await cancel(till, bought.order)
    await look(till)
    assert await till.states("payment_attempt") == ["closing"]
    clock.advance(minutes=33)
    await look(till)
    assert await till.states("payment_attempt") == ["closed"]


async def test_what_was_closed_without_the_vendor_knowing_it_is_looked_at_once_more(till: Till, clock: Clock) -> None:
    bought = await till.bought(100, 7)
    async with till.database.unit_of_work(await till.resident()) as uow:
        await service.record_closed(uow, attempt_id=bought.attempt, absent=True)
    bought.paid()
    other = await till.bought(5)
    async with till.database.unit_of_work(await till.resident()) as uow:
        await service.record_closed(uow, attempt_id=other.attempt, absent=True)
    assert await look(till) == (0, 0)
    clock.advance(minutes=33)
    assert await look(till) == (2, 0)
    assert await till.states("payment_attempt") == ["paid", "closed"]
    clock.advance(days=1)
    assert await look(till) == (0, 0)
    await till.sound()


async def paid(till: Till) -> Bought:
    bought = await till.bought(100)
    await till.take(bought.paid())
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        await refund_charge(uow, charge_id=bought.charges[0], amount_fen=60, reason="多收退回")
    return bought


async def test_a_refund_is_asked_for_and_followed_until_it_is_made(till: Till, clock: Clock) -> None:
    bought = await paid(till)
    bought.vendor.lost_after = 1
    assert await look(till) == (0, 1)
    assert (await till.states("refund"), len(bought.vendor.refunds)) == (["asked"], 1)
    clock.advance(seconds=5)
    assert await look(till) == (0, 1)
    assert (await till.states("refund"), len(bought.vendor.refunds)) == (["sent"], 1)
    (number,) = bought.vendor.refunds
    bought.vendor.finish(number)
    clock.advance(seconds=10)
    assert await look(till) == (0, 1)
    assert await till.states("refund") == ["done"]
    events = await till.superuser.fetch("select payload ->> 'amount_fen' from outbox_event where name like '%refunded'")
    assert [row[0] for row in events] == ["60"]
    await till.sound()


async def test_a_refund_that_the_vendor_lost_is_asked_for_anew(till: Till, clock: Clock) -> None:
    bought = await paid(till)
    await look(till)
    bought.vendor.refunds.clear()
    clock.advance(seconds=5)
    await look(till)
    assert await till.states("refund") == ["asked"]
    await look(till)
    assert await till.states("refund") == ["sent"]


@pytest.mark.parametrize("refused", [True, False])
async def test_a_refund_that_is_not_made_is_put_before_a_person(till: Till, clock: Clock, refused: bool) -> None:
    bought = await paid(till)
    if refused:
        del bought.vendor.trades[bought.number]
    await look(till)
    if not refused:
        bought.vendor.finish(*bought.vendor.refunds, state=RefundState.FAILED)
        clock.advance(seconds=5)
        await look(till)
    assert await till.states("refund") == ["failed"]
    (item,) = (await till.rows("reconciliation_item")).values()
    assert (item["kind"], item["ours_fen"]) == ("refund_failed", 60)
    await till.sound()


async def test_a_vendor_that_does_not_answer_holds_nobody_up(till: Till, clock: Clock) -> None:
    slow, quick = await till.bought(100), await till.bought(50, channel=Channel.ALIPAY_PAGE)
    slow.paid()
    quick.paid()

    async def never(_: str) -> None:
        await asyncio.Event().wait()

    slow.vendor.query = never  # type: ignore[method-assign,assignment]
    clock.advance(seconds=5)
    assert await look(till, seconds=0.2) == (2, 0)
    assert await till.states("payment_order") == ["open", "paid"]
    await till.sound()


async def test_the_schedule_runs_it(till: Till, clock: Clock) -> None:
    bought = await till.bought(100)
    clock.advance(minutes=40)
    assert [step.name for step in payment_steps({})] == ["orders.expire"]
    schedule = Schedule(till.database, payment_steps(dict(till.vendors)))
    assert await schedule.run_due() == {
        "payments.look": 1,
        "refunds.look": 0,
        "payments.reconcile": 0,
        "orders.expire": 1,
    }
    clock.advance(seconds=10)
    await schedule.run_due()
    assert bought.vendor.calls[-1] == "close"
    assert await till.states("charge") == ["open"]
    assert Vendor.WECHAT in till.vendors
    await till.sound()
