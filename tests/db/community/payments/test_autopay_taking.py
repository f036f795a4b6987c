"""Auto-pay tells first and takes then: within limits, once, and what cannot be taken is told and tried again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.community.payments.autopay import planning, service, taking
from domain.community.payments.autopay.errors import AutopayOver
from domain.community.payments.autopay.rules import EndedBecause
from domain.community.payments.autopay.service import Terms
from domain.community.payments.charges import ChargeKind, change_charge, void_charge
from domain.community.payments.ports import Channel, Vendor
from domain.kernel.errors import NotFound
from tests.db.community.payments.test_any_order import Killed
from tests.factories.autopay import TERMS, Purse
from tests.factories.clock import Clock
from tests.factories.till import Till
from tests.workers.test_notifications import Phones, table
from workers import autopay
from workers.relay import Relay


@pytest.fixture
async def purse(till: Till, clock: Clock) -> Purse:
    return await Purse(till, clock).sign()


async def paid_by_hand(purse: Purse, charges: list[int]) -> None:
    order = await purse.till.order(charges)
    started = await purse.till.attempt(order, Channel.WECHAT_APP)
    await purse.till.take(purse.till.vendors[Vendor.WECHAT].pay(started.trade.out_trade_no))


async def test_it_is_told_two_days_before_and_taken_in_the_morning(purse: Purse) -> None:
    await purse.bills(1200, 345)
    await purse.bills(100, days=3)
    await purse.bills(50, kind=ChargeKind.REPAIR)
    assert await purse.plan() == 2
    assert await purse.plan() == 0
    first, _ = await purse.plans()
    assert first["take_at"] == purse.local().replace(hour=10) + timedelta(days=2)
    assert await purse.told() == [("planned", 1200), ("planned", 345)]
    await purse.ten_o_clock(days=1)
    assert purse.taken() == []
    await purse.ten_o_clock(days=1)
    assert purse.taken() == [1545], "both in one payment"
    assert await purse.states() == [("paid", None)] * 2
    assert await purse.told() == [("paid", 1200), ("paid", 345)]
    (order,) = (await purse.till.rows("payment_order")).values()
    assert (order["state"], order["account_id"]) == ("paid", purse.till.payers["a111/1"])
    assert len(await purse.till.rows("receipt")) == 1
    assert sorted(await purse.till.states("charge")) == ["open", "open", "paid", "paid"]
    await purse.till.sound()


async def test_it_takes_the_kinds_of_bills_that_were_agreed_on(till: Till, clock: Clock) -> None:
    water, gas = ChargeKind.WATER, ChargeKind.GAS
    purse = await Purse(till, clock).sign(Terms([water, gas], 10_000, 30_000))
    for fen, kind in enumerate(ChargeKind, 1):
        await purse.bills(fen, kind=kind)
    paid_for = {kind: fen for fen, kind in enumerate(ChargeKind, 1)}
    assert await purse.plan() == 2
    assert {fen for _, fen in await purse.told()} == {paid_for[water], paid_for[gas]}
    await purse.act(
        service.change_autopay, autopay_id=purse.autopay_id, terms=Terms([ChargeKind.PROPERTY], 10_000, 30_000)
    )
    assert await purse.plan() == 1
    assert await purse.told() == [("planned", paid_for[ChargeKind.PROPERTY])]


async def test_what_names_no_day_is_due_since_it_was_opened(purse: Purse, till: Till) -> None:
    await till.charges(300)
    assert await purse.plan() == 1
    (plan,) = await purse.plans()
    assert plan["take_at"] == purse.local().replace(hour=10) + timedelta(days=2), "a day after it was told"


async def test_one_that_fails_is_put_off_and_the_others_are_taken(
    purse: Purse, till: Till, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Purse(till, clock, home="a111/2")
    other.agreed = purse.agreed
    await other.sign()
    for each in (purse, other):
        await each.bills(700)
    await purse.plan()
    clock.advance(days=3)
    begin = taking.begin_taking

    async def broken(uow: Any, *, autopay_id: int, party: Any) -> Any:
        if autopay_id == purse.autopay_id:
            raise RuntimeError("of ours")
        return await begin(uow, autopay_id=autopay_id, party=party)

    monkeypatch.setattr(taking, "begin_taking", broken)
    monkeypatch.setattr(autopay, "BATCH", 1)
    assert (await purse.take(), await purse.take(), await purse.take()) == (1, 1, 0)
    assert purse.taken() == [700]
    monkeypatch.setattr(taking, "begin_taking", begin)
    clock.advance(minutes=30)
    assert await purse.take() == 1
    assert purse.taken() == [700, 700]


async def test_over_the_limits_nothing_is_taken_and_that_is_told(purse: Purse) -> None:
    await purse.bills(10_001, 9_000, 9_000, 9_000, 9_000)
    await purse.plan()
    assert await purse.states() == [("failed", "over_limit"), *[("planned", None)] * 4]
    assert (await purse.told())[0] == ("over_limit", 10_001)
    await purse.ten_o_clock(days=2)
    assert purse.taken() == [9000], "a payment is within the limit of one"
    for _ in range(4):
        purse.clock.advance(seconds=60)
        await purse.take()
        await purse.settle()
    assert purse.taken() == [9000] * 3, "and all of them within the month's"
    assert sorted(await purse.states()) == [
        ("failed", "over_limit"), ("failed", "over_month"), *[("paid", None)] * 3,
    ]  # fmt: skip
    assert ("over_month", 9000) in await purse.told()
    purse.clock.advance(days=31)
    await purse.bills(9_000)
    await purse.plan()
    await purse.ten_o_clock(days=2)
    assert purse.taken() == [9000] * 4, "in another month"
    await purse.till.sound()


async def test_what_is_declined_is_tried_three_times_on_three_days(purse: Purse) -> None:
    charges = await purse.bills(700)
    await purse.plan()
    purse.agreed.refusing = "ACQ.BUYER_BALANCE_NOT_ENOUGH"
    await purse.told()
    told = []
    for day in (2, 1, 1, 1):
        await purse.ten_o_clock(days=day)
        told += await purse.told()
        await purse.settle()
    assert told == [("again", 700), ("again", 700), ("by_hand", 700)]
    assert await purse.states() == [("failed", "declined")]
    assert purse.agreed.calls.count("deduct") == 3
    assert await purse.till.states("payment_attempt") == ["closed"] * 3
    assert await purse.till.states("charge") == ["open"]
    await paid_by_hand(purse, charges)
    await purse.till.sound()


async def test_what_was_declined_is_taken_the_next_day(purse: Purse) -> None:
    await purse.bills(700)
    await purse.plan()
    purse.agreed.refusing = "ACQ.BUYER_BALANCE_NOT_ENOUGH"
    await purse.ten_o_clock(days=2)
    purse.agreed.refusing = ""
    await purse.take()
    assert purse.taken() == []
    await purse.ten_o_clock()
    assert purse.taken() == [700]
    assert await purse.states() == [("paid", None)]


@pytest.mark.parametrize("before", [True, False])
async def test_what_nobody_heard_of_is_asked_for_and_never_taken_twice(purse: Purse, *, before: bool) -> None:
    await purse.bills(700)
    await purse.plan()
    purse.clock.advance(days=2)

    def lose() -> None:
        """The call after the agreement's number was asked for."""
        purse.agreed.lost_before, purse.agreed.lost_after = (1, 0) if before else (0, 1)

    ask = purse.agreed.query

    async def query(number: str) -> Any:
        told = await ask(number)
        lose()
        return told

    purse.agreed.query = query  # type: ignore[method-assign] - the line breaks just then
    await purse.take()
    assert purse.taken() == ([] if before else [700])
    assert await purse.states() == [("trying", None)]
    purse.agreed.query = ask  # type: ignore[method-assign] - and is mended
    await purse.take()
    assert purse.agreed.calls.count("deduct") == 1
    for seconds in (20, 40 * 60, 400):
        purse.clock.advance(seconds=seconds)
        await purse.settle()
    assert await purse.states() == ([("planned", "unheard")] if before else [("paid", None)])
    await purse.ten_o_clock()
    assert purse.taken() == [700]
    assert await purse.states() == [("paid", None)]
    await purse.till.sound()


async def test_what_is_paid_by_hand_void_or_skipped_is_not_taken(purse: Purse) -> None:
    by_hand, void, skipped, held = await purse.bills(100, 200, 300, 400)
    await purse.plan()
    await paid_by_hand(purse, [by_hand])
    async with purse.till.database.unit_of_work(purse.till.world.everywhere) as uow:
        await void_charge(uow, charge_id=void)
    plans = {plan["charge_id"]: plan["id"] for plan in await purse.plans()}
    await purse.act(planning.skip_plan, plan_id=plans[skipped])
    with pytest.raises(AutopayOver):
        await purse.act(planning.skip_plan, plan_id=plans[skipped])
    with pytest.raises(NotFound):
        async with purse.till.database.unit_of_work(await purse.till.resident("a111/2")) as uow:
            await planning.skip_plan(uow, plan_id=plans[held])
    purse.clock.advance(days=2)
    await purse.till.order([held])
    await purse.take()
    assert purse.taken() == []
    assert await purse.states() == [("settled", None), ("settled", None), ("skipped", None), ("planned", None)]
    for _ in range(2):  # the order ends, and then it is taken
        purse.clock.advance(minutes=33)
        await purse.settle()
    await purse.take()
    assert purse.taken() == [400]
    await purse.till.sound()


async def test_more_than_was_told_is_told_anew_and_leaves_a_day(purse: Purse) -> None:
    dearer, cheaper = await purse.bills(100, 200)
    await purse.plan()
    async with purse.till.database.unit_of_work(purse.till.world.everywhere) as uow:
        await change_charge(uow, charge_id=dearer, amount_fen=101)
        await change_charge(uow, charge_id=cheaper, amount_fen=199)
    await purse.told()
    await purse.ten_o_clock(days=2)
    assert purse.taken() == [199]
    assert await purse.told() == [("raised", 101), ("paid", 200)]
    first, _ = await purse.plans()
    assert (first["amount_fen"], first["why"], first["take_at"] - first["told_at"] >= timedelta(hours=24)) == (
        101, "raised", True,
    )  # fmt: skip
    await purse.ten_o_clock(days=2)
    assert purse.taken() == [199, 101]


async def test_what_gets_more_every_day_is_left_to_be_paid_by_hand(purse: Purse) -> None:
    (charge,) = await purse.bills(100)
    await purse.plan()
    for more in range(1, 5):
        async with purse.till.database.unit_of_work(purse.till.world.everywhere) as uow:
            await change_charge(uow, charge_id=charge, amount_fen=100 + more)
        await purse.ten_o_clock(days=2)
    assert await purse.states() == [("failed", "raised")]
    assert purse.taken() == []


async def test_paused_takes_nothing_and_resumed_leaves_a_day(purse: Purse) -> None:
    await purse.bills(100)
    await purse.plan()
    await purse.act(service.pause_autopay, autopay_id=purse.autopay_id)
    await purse.bills(200)
    assert await purse.plan() == 0
    await purse.ten_o_clock(days=2)
    assert purse.taken() == []
    await purse.told()
    await purse.act(service.resume_autopay, autopay_id=purse.autopay_id)
    assert await purse.told() == [("planned", 100)]
    await purse.take()
    await purse.ten_o_clock(days=1)
    assert purse.taken() == []
    await purse.plan()
    await purse.ten_o_clock(days=1)
    assert purse.taken() == [100]


@pytest.mark.parametrize("how", ["here", "there", "left"])
async def test_once_it_has_ended_nothing_is_taken(purse: Purse, how: str) -> None:
    await purse.bills(100)
    await purse.plan()
    await purse.told()
    if how == "here":
        await purse.act(service.end_autopay, autopay_id=purse.autopay_id)
    elif how == "there":
        purse.agreed.leave(purse.number)  # and the notification is lost
    else:
        await purse.till.superuser.execute("update household set ended_at = now()")
    await purse.ten_o_clock(days=2)
    assert purse.taken() == []
    assert await purse.states() == [("skipped", None)]
    (autopay,) = (await purse.till.rows("autopay")).values()
    because = {"here": EndedBecause.RESIDENT, "there": EndedBecause.VENDOR, "left": EndedBecause.LEFT}[how]
    assert (autopay["state"], autopay["closed_because"]) == ("ended", because)
    assert await purse.told() == ([] if how == "here" else [("over", 0)])
    assert await purse.till.states("charge") == ["open"]
    await purse.ten_o_clock()
    assert set(await purse.till.states("payment_attempt")) <= {"closed"}
    await purse.till.sound()


async def test_of_two_workers_at_once_one_takes(purse: Purse) -> None:
    await purse.bills(100, 200)
    await purse.plan()
    purse.clock.advance(days=2)
    await asyncio.gather(*(purse.take() for _ in range(3)))
    await purse.settle()
    assert purse.taken() == [300]
    assert len(await purse.till.rows("payment_attempt")) == 1
    await purse.till.sound()


async def test_killed_at_any_await_it_takes_once(purse: Purse) -> None:
    await purse.act(service.change_autopay, autopay_id=purse.autopay_id, terms=Terms(TERMS.kinds, 10_000, 2_000_000))
    number, began = 0, 0
    while True:
        number += 1
        await purse.bills(100)
        await purse.plan()
        purse.clock.advance(days=2)
        killed = Killed(purse.take_one(), number)

        async def run(killed: Killed = killed) -> None:
            await killed

        await asyncio.wait([asyncio.create_task(run())])
        await purse.till.sound()
        began += (await purse.states())[-1] == ("trying", None)
        for seconds in (60, 2000, 400):  # what is under way comes to its end, and what is not is begun
            if (await purse.states())[-1][0] != "paid":
                purse.clock.advance(seconds=seconds)
                await purse.take()
                await purse.settle()
        if (await purse.states())[-1][0] != "paid":
            await purse.ten_o_clock()
        assert (await purse.states())[-1][0] == "paid"
        assert purse.taken() == [100] * number
        await purse.till.sound()
        if not killed.reached:
            break
    assert number > 20
    assert began > 3
    assert await purse.till.states("charge") == ["paid"] * number


async def test_whoever_signed_is_told_in_their_language(purse: Purse) -> None:
    await purse.bills(12_34)
    await purse.plan()
    phones = Phones()
    relay = Relay(purse.till.database, table(phones))
    await relay.drain()
    day = purse.local() + timedelta(days=2)
    (push,) = phones.taken.values()
    assert (push.account_id, push.title, push.urgent) == (purse.till.payers["a111/1"], "自动缴费提醒", False)
    assert f"12.34 元将于 {day.month}月{day.day}日 10:00 自动扣款" in push.body
    await purse.till.superuser.execute("update account set language = 'en'")
    await purse.ten_o_clock(days=2)
    phones.taken.clear()
    await relay.drain()
    assert [push.body for push in phones.taken.values()] == ["¥12.34"]
