"""A refund that failed: asked for again under its number or another, or paid back by the office; never twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from domain.community.payments import refunds, service
from domain.community.payments.charges import refund_charge
from domain.community.payments.errors import NotRefundable, RefundNotFailed
from domain.community.payments.ports import Channel, RefundState
from domain.kernel.texts import InvalidText
from tests.factories.clock import Clock
from tests.factories.till import Bought, Till
from workers.payments import look_at_refunds

CHANNELS = {"wechat": Channel.WECHAT_NATIVE, "alipay": Channel.ALIPAY_QR}


async def look(till: Till) -> None:
    await look_at_refunds(till.database, gateways=dict(till.vendors))


async def failed(till: Till, raw: str, vendor: str = "wechat") -> tuple[Bought, int, str]:
    """A charge of 100 of which 60 did not come back."""
    bought = await till.bought(100, channel=CHANNELS[vendor])
    await till.take(bought.paid())
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        refund_id = await refund_charge(uow, charge_id=bought.charges[0], amount_fen=60, reason="多收退回")
    await look(till)
    number = (await till.rows("refund"))[refund_id]["out_refund_no"]
    assert await till.take(bought.vendor.finish(number, RefundState.FAILED, raw)) == ["refund_failed"]
    assert await till.states("reconciliation_item") == ["open"]
    return bought, refund_id, number


async def left(till: Till) -> tuple[int, int]:
    (charge,) = (await till.rows("charge")).values()
    return charge["refunding_fen"], charge["refunded_fen"]


async def acts(till: Till) -> list[str]:
    rows = await till.superuser.fetch("select action from audit_entry where action like 'refund.%' order by sequence")
    return [row["action"] for row in rows]


@pytest.mark.parametrize(("vendor", "raw"), [("wechat", "ABNORMAL"), ("alipay", "ACQ.SELLER_BALANCE_NOT_ENOUGH")])
async def test_it_is_asked_for_again_under_its_number(till: Till, vendor: str, raw: str) -> None:
    bought, refund_id, number = await failed(till, "ABNORMAL", vendor)
    await till.superuser.execute("update refund set failed_because = $1", raw)
    assert await till.again(refund_id) == refund_id
    assert (await left(till), await till.states("reconciliation_item")) == ((60, 0), ["settled"])
    await till.sound()
    await look(till)
    assert (await till.states("refund"), set(bought.vendor.refunds)) == (["sent"], {number})
    assert await till.take(bought.vendor.finish(number)) == ["refund_done"]
    assert await left(till) == (0, 60)
    assert await acts(till) == ["refund.asked", "refund.asked_again", "refund.made"]
    await till.sound()


async def test_what_fails_again_is_before_a_person_again(till: Till) -> None:
    bought, refund_id, number = await failed(till, "ABNORMAL")
    await till.again(refund_id)
    await look(till)
    once_more = bought.vendor.finish(number, RefundState.FAILED, "ABNORMAL")
    assert await till.take(once_more, once_more) == ["refund_failed", "duplicate"]
    assert (await till.states("refund"), await till.states("reconciliation_item")) == (["failed"], ["open"])
    assert await till.take(bought.vendor.finish(number)) == ["refund_done"]
    assert await till.states("reconciliation_item") == ["settled"], "there is nothing to do about it any more"
    await till.sound()


async def test_a_failure_and_its_end_that_come_together_leave_nobody_work(till: Till) -> None:
    bought, refund_id, number = await failed(till, "ABNORMAL")
    await till.again(refund_id)
    await look(till)
    late = replace(bought.vendor.finish(number, RefundState.FAILED), transaction_id="")
    assert await till.take(late, bought.vendor.finish(number)) == ["refund_failed", "refund_done"]
    assert (await till.states("refund"), await till.states("reconciliation_item")) == (["done"], ["settled"])
    await till.sound()


async def test_what_the_vendor_closed_is_asked_for_under_a_new_number(till: Till) -> None:
    bought, refund_id, number = await failed(till, "CLOSED")
    again = await till.again(refund_id)
    assert again != refund_id
    await till.sound()
    with pytest.raises(RefundNotFailed):
        await till.again(refund_id)
    with pytest.raises(NotRefundable):
        async with till.database.unit_of_work(till.world.everywhere) as uow:
            await refund_charge(uow, charge_id=bought.charges[0], amount_fen=41, reason="x")
    await look(till)
    row = (await till.rows("refund"))[again]
    assert (row["replaces_id"], row["amount_fen"], row["state"]) == (refund_id, 60, "sent")
    assert await till.take(bought.vendor.finish(row["out_refund_no"])) == ["refund_done"]
    assert (await left(till), await till.states("refund")) == ((0, 60), ["replaced", "done"])
    assert await till.take(bought.vendor.finish(number)) == ["refund_made_twice"]
    assert await till.states("reconciliation_item") == ["settled", "open"]
    await till.sound()


async def test_a_refusal_is_asked_for_again_once_there_is_money(till: Till, clock: Clock) -> None:
    bought = await till.bought(100)
    await till.take(bought.paid())
    trade = bought.vendor.trades.pop(bought.number)
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        refund_id = await refund_charge(uow, charge_id=bought.charges[0], amount_fen=60, reason="多收退回")
    await look(till)
    assert (await till.rows("refund"))[refund_id]["failed_because"] == "NOT_ENOUGH"
    bought.vendor.trades[bought.number] = trade
    assert await till.again(refund_id) == refund_id
    await look(till)
    assert await till.states("refund") == ["sent"]
    await till.sound()


async def test_the_office_pays_it_back_by_hand(till: Till) -> None:
    bought, refund_id, number = await failed(till, "ABNORMAL")
    with pytest.raises(InvalidText):
        async with till.database.unit_of_work(till.world.everywhere) as uow:
            await refunds.settle_by_hand(uow, refund_id=refund_id, note=" ")
    await till.by_hand(refund_id)
    assert (await till.states("refund"), await till.states("reconciliation_item")) == (["by_hand"], ["settled"])
    assert (await left(till), await till.account("office"), await till.account("refunds")) == ((0, 60), -60, 60)
    assert await till.account("clearing%") == 100
    events = await till.superuser.fetch("select payload ->> 'amount_fen' from outbox_event where name like '%refunded'")
    assert [row[0] for row in events] == ["60"]
    assert await acts(till) == ["refund.asked", "refund.by_hand"]
    await till.sound()
    for work in (till.again, till.by_hand):
        with pytest.raises(RefundNotFailed):
            await work(refund_id)
    assert await till.take(bought.vendor.finish(number)) == ["refund_made_twice"]
    assert await till.states("reconciliation_item") == ["settled", "open"]
    await till.sound()


async def test_money_for_which_nothing_was_owed_is_paid_back_by_hand(till: Till) -> None:
    bought = await till.bought(100)
    paid = bought.paid()
    async with till.database.unit_of_work(await till.resident()) as uow:
        await service.cancel_order(uow, order_id=bought.order)
    await till.order(bought.charges)
    assert await till.take(paid) == ["surplus"]
    await look(till)
    ((refund_id, row),) = (await till.rows("refund")).items()
    await till.take(bought.vendor.finish(row["out_refund_no"], RefundState.FAILED))
    await till.by_hand(refund_id)
    assert (await till.account("unallocated"), await till.account("office")) == (0, -100)
    await till.sound()


@pytest.mark.parametrize("state", [RefundState.DONE, RefundState.WAITING])
async def test_the_vendor_is_asked_first_whether_it_failed_at_all(till: Till, state: RefundState) -> None:
    bought, refund_id, number = await failed(till, "ABNORMAL")
    bought.vendor.finish(number, state)
    for work in (till.again, till.by_hand):
        with pytest.raises(RefundNotFailed):
            await work(refund_id)
    assert await till.states("refund") == ["done" if state is RefundState.DONE else "sent"]
    assert (await till.states("reconciliation_item"), await till.account("office")) == (["settled"], 0)
    await till.sound()


async def outcome(work: Awaitable[object]) -> str:
    try:
        await work
    except RefundNotFailed:
        return "too late"
    return "done"


@pytest.mark.parametrize("raw", ["ABNORMAL", "CLOSED"])
async def test_of_several_managers_at_once_one_does_it(till: Till, raw: str) -> None:
    _, refund_id, _ = await failed(till, raw)
    acts: list[Callable[[int], Awaitable[object]]] = [till.again, till.by_hand, till.again, till.by_hand]
    done = await asyncio.gather(*(outcome(act(refund_id)) for act in acts))
    assert sorted(done) == ["done", "too late", "too late", "too late"]
    await till.sound()


async def test_the_vendor_makes_it_while_the_office_pays_by_hand(till: Till) -> None:
    bought, refund_id, number = await failed(till, "ABNORMAL")

    async def by_hand() -> None:
        async with till.database.unit_of_work(till.world.everywhere) as uow:
            await refunds.settle_by_hand(uow, refund_id=refund_id, note="现金退还")

    paid, told = await asyncio.gather(outcome(by_hand()), till.take(bought.vendor.finish(number)))
    assert (paid, told) in (("done", ["refund_made_twice"]), ("too late", ["refund_done"]))
    await till.sound()
