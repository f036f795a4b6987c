"""What vendors say of payments: credited once, whatever the order of things; differences go to a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.community.payments import service
from domain.community.payments.charges import change_charge, refund_charge
from domain.community.payments.errors import NotRefundable
from domain.community.payments.polling import due_refunds
from domain.community.payments.ports import Channel, Notice, RefundState
from tests.factories.clock import Clock
from tests.factories.till import Bought, Till


async def cancel(till: Till, order: int) -> None:
    async with till.database.unit_of_work(await till.resident()) as uow:
        await service.cancel_order(uow, order_id=order)


async def asked_back(till: Till, charge: int, amount: int) -> int:
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        return await refund_charge(uow, charge_id=charge, amount_fen=amount, reason="多收退回")


async def sent(till: Till) -> list[str]:
    """Send what is due to the vendor; the refunds' numbers."""
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        due = await due_refunds(uow, limit=10)
    for each in due:
        await till.vendors[each.vendor].refund(each.refund)
    return [each.refund.out_refund_no for each in due]


async def test_a_payment_pays_its_order_its_charges_and_gives_a_receipt(till: Till) -> None:
    bought = await till.bought(1200, 345)
    assert await till.take(bought.paid()) == ["credit"]
    assert await till.states("charge") == ["paid", "paid"]
    assert await till.states("payment_order") == ["paid"]
    attempt = (await till.rows("payment_attempt"))[bought.attempt]
    assert (attempt["state"], attempt["credited"], attempt["launch"], attempt["check_at"]) == ("paid", True, None, None)
    (receipt,) = (await till.rows("receipt")).values()
    assert (receipt["number"], receipt["amount_fen"], receipt["order_id"]) == (1, 1545, bought.order)
    events = await till.superuser.fetch("select name, payload::text from outbox_event order by id")
    assert [row["name"] for row in events] == ["charge.paid", "charge.paid"]
    actions = await till.superuser.fetch("select action from audit_entry where action like '%payment%'")
    assert [row["action"] for row in actions] == ["payment.received"]
    await till.sound()


async def test_the_same_notice_again_changes_nothing(till: Till) -> None:
    bought = await till.bought(100)
    notice = bought.paid()
    assert await till.take(notice, notice) == ["credit", "duplicate"]
    assert await till.take(notice) == ["duplicate"]
    assert await till.take(replace(notice, notice_id="another")) == ["known"]
    assert await till.take(replace(notice, notice_id="")) == ["known"]
    assert len(await till.rows("receipt")) == 1
    await till.sound()


async def test_one_batch_takes_many_orders_of_many_compounds(till: Till) -> None:
    homes = ("a111/1", "b111/1", "a111/2", "a112/1", "a111/1")
    bought = [await till.bought(100 + n, home=home) for n, home in enumerate(homes)]
    notices = [each.paid() for each in bought]
    assert await till.take(*reversed(notices), *notices) == ["credit"] * 5 + ["duplicate"] * 5
    receipts = await till.superuser.fetch("select compound_id, number from receipt order by compound_id, number")
    areas = till.world.areas
    expected = {(areas["a111"], n) for n in (1, 2, 3)} | {(areas["b111"], 1), (areas["a112"], 1)}
    assert {tuple(row) for row in receipts} == expected
    await till.sound()


async def test_money_that_comes_after_the_order_was_cancelled_pays_what_is_still_owed(till: Till) -> None:
    bought = await till.bought(100, 50)
    notice = bought.paid()
    await cancel(till, bought.order)
    assert await till.states("charge") == ["open", "open"]
    assert await till.take(notice) == ["credit"]
    (order,) = (await till.rows("payment_order")).values()
    assert (order["state"], order["closed_because"]) == ("paid", "cancelled")
    await till.sound()


@pytest.mark.parametrize("meanwhile", ["held", "paid", "changed"])
async def test_money_for_which_nothing_is_owed_any_more_goes_back(till: Till, meanwhile: str) -> None:
    bought = await till.bought(100)
    notice = bought.paid()
    await cancel(till, bought.order)
    if meanwhile == "changed":
        async with till.database.unit_of_work(till.world.everywhere) as uow:
            await change_charge(uow, charge_id=bought.charges[0], amount_fen=90)
    else:
        again = await till.order(bought.charges)
        started = await till.attempt(again)
        if meanwhile == "paid":
            assert await till.take(bought.vendor.pay(started.trade.out_trade_no)) == ["credit"]
    assert await till.take(notice) == ["surplus"]
    assert await till.take(replace(notice, notice_id="x")) == ["known"]
    await till.sound()
    (number,) = await sent(till)
    assert await till.take(bought.vendor.finish(number)) == ["refund_done"]
    assert await till.states("refund") == ["done"]
    assert await till.superuser.fetchval("select count(*) from outbox_event where name = 'charge.refunded'") == 0
    await till.sound()


async def test_of_two_closed_orders_paid_late_at_once_one_is_credited(till: Till) -> None:
    first = await till.bought(100)
    await cancel(till, first.order)
    second = await till.order(first.charges)
    started = await till.attempt(second)
    await cancel(till, second)
    notices = (first.paid(), first.vendor.pay(started.trade.out_trade_no))
    assert await till.take(*notices) == ["credit", "surplus"]
    await till.sound()


async def test_a_second_channel_that_pays_too_is_paid_back(till: Till) -> None:
    bought = await till.bought(100)
    async with till.database.unit_of_work(await till.resident()) as uow:
        await service.record_closed(uow, attempt_id=bought.attempt)
    started = await till.attempt(bought.order, Channel.ALIPAY_QR)
    late = bought.paid()
    alipay = till.vendors[Channel.ALIPAY_QR.vendor]
    assert await till.take(late, alipay.pay(started.trade.out_trade_no)) == ["credit", "surplus"]
    assert await till.states("payment_attempt") == ["paid", "paid"]
    await till.sound()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"amount_fen": 99}, "wrong_amount"),
        ({"currency": "USD"}, "wrong_currency"),
        ({"app_id": "somebody"}, "wrong_party"),
        ({"seller_id": "somebody"}, "wrong_party"),
    ],
)
async def test_what_was_not_agreed_is_never_credited_but_put_before_a_person(
    till: Till, change: dict[str, object], kind: str
) -> None:
    bought = await till.bought(100)
    notice = replace(bought.paid(), **change)  # type: ignore[arg-type]
    assert await till.take(notice) == [kind]
    assert await till.take(replace(notice, notice_id="again")) == [kind]
    (item,) = (await till.rows("reconciliation_item")).values()
    assert (item["kind"], item["ours_fen"], item["theirs_fen"]) == (kind, 100, notice.amount_fen)
    assert await till.states("charge") == ["held"]
    await till.sound()


async def test_another_transaction_for_what_is_paid_is_put_before_a_person(till: Till) -> None:
    bought = await till.bought(100)
    notice = bought.paid()
    other = replace(notice, notice_id="other", transaction_id="other")
    assert await till.take(notice, other) == ["credit", "second_transaction"]
    assert await till.states("reconciliation_item") == ["open"]
    await till.sound()


async def test_a_number_of_ours_that_is_not_there_is_a_work_item_and_others_are_nobodys(till: Till) -> None:
    bought = await till.bought(100)
    notice = bought.paid()
    lost = replace(notice, out_trade_no=f"zt{till.world.areas['a111']}_{'0' * 18}", notice_id="lost")
    nowhere = replace(lost, out_trade_no=f"zt999999_{'0' * 18}", notice_id="nowhere")
    outcomes = await till.take(lost, nowhere, replace(notice, out_trade_no="SHOP-0001", notice_id="foreign"), lost)
    assert outcomes == ["unknown_trade", "unknown_trade", "foreign", "unknown_trade"]
    (item,) = (await till.rows("reconciliation_item")).values()
    assert (item["kind"], item["out_trade_no"]) == ("unknown_trade", lost.out_trade_no)
    await till.sound()


async def refunded(till: Till, *amounts: int) -> tuple[Bought, list[str]]:
    bought = await till.bought(100, 50)
    await till.take(bought.paid())
    for amount in amounts:
        await asked_back(till, bought.charges[0], amount)
    return bought, await sent(till)


async def test_a_charge_is_refunded_in_parts_and_never_by_more_than_was_paid(till: Till) -> None:
    bought, numbers = await refunded(till, 60, 30)
    with pytest.raises(NotRefundable):
        await asked_back(till, bought.charges[0], 11)
    await till.sound()
    done = bought.vendor.finish(numbers[0])
    assert await till.take(done, done) == ["refund_done", "duplicate"]
    assert await till.take(bought.vendor.finish(numbers[1])) == ["refund_done"]
    charge = (await till.rows("charge"))[bought.charges[0]]
    assert (charge["state"], charge["refunding_fen"], charge["refunded_fen"]) == ("paid", 0, 90)
    await asked_back(till, bought.charges[0], 10)
    with pytest.raises(NotRefundable):
        await asked_back(till, bought.charges[0], 1)
    await asked_back(till, bought.charges[1], 50)
    await till.sound()


async def test_a_refund_that_fails_stays_reserved_until_it_is_made_another_way(till: Till) -> None:
    bought, (number,) = await refunded(till, 100)
    failed = bought.vendor.finish(number, RefundState.FAILED)
    assert await till.take(failed) == ["refund_failed"]
    assert await till.states("reconciliation_item") == ["open"]
    with pytest.raises(NotRefundable):
        await asked_back(till, bought.charges[0], 1)
    assert await till.take(replace(failed, notice_id="again")) == ["refund_known"]
    await till.sound()
    assert await till.take(bought.vendor.finish(number)) == ["refund_done"]
    assert await till.take(replace(failed, notice_id="late")) == ["refund_known"]
    await till.sound()


async def test_a_refund_of_another_amount_or_trade_is_not_believed(till: Till) -> None:
    bought, (number,) = await refunded(till, 40)
    done = bought.vendor.finish(number)

    async def told(notice: Notice) -> str:
        (outcome,) = await till.take(notice)
        return outcome

    assert await told(replace(done, notice_id="1", amount_fen=41)) == "refund_wrong_amount"
    assert await told(replace(done, notice_id="2", seller_id="other")) == "refund_wrong_trade"
    assert await told(replace(done, notice_id="3", out_refund_no="zr1_no")) == "unknown_refund"
    other = await till.bought(10)
    await till.take(other.paid())
    assert await told(replace(done, notice_id="4", out_trade_no=other.number)) == "refund_wrong_trade"
    assert await till.states("refund") == ["asked"]
    await till.sound()


async def test_orders_end_and_set_their_charges_free(till: Till, clock: Clock) -> None:
    bought = await till.bought(100)
    clock.advance(minutes=33)
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        assert await service.expire_orders(uow, limit=10) == 1
        assert await service.expire_orders(uow, limit=10) == 0
    assert await till.states("charge") == ["open"]
    assert await till.states("payment_attempt") == ["closing"]
    await till.sound()
    assert await till.take(bought.paid()) == ["credit"]
    await till.sound()
