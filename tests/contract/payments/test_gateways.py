"""Our adapters on the wire of both vendors: the same cases for each channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.community.payments.ports import (
    Channel,
    GatewayRefused,
    NewRefund,
    Prepay,
    RefundState,
    TradeState,
    Vendor,
)
from tests.factories.payments import Counter, new_number

CHANNELS = [channel for channel in Channel if channel is not Channel.ALIPAY_WITHHOLD]
CODES = [Channel.WECHAT_NATIVE, Channel.ALIPAY_QR]
VENDORS = list(Vendor)


def code_of(prepay: Prepay) -> str:
    """What the buyer's app opens."""
    launch = prepay.launch
    found = prepay.url or launch.get("orderStr") or launch.get("prepayid") or launch["package"]
    return found.removeprefix("prepay_id=")


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_trade_is_opened_paid_and_told(shop: Counter, channel: Channel) -> None:
    port, trade = shop.port(channel.vendor), shop.trade(channel)
    assert (await port.query(trade.out_trade_no)).state is TradeState.ABSENT
    prepay = await port.create(trade)
    before = (await port.query(trade.out_trade_no)).state
    assert before is (TradeState.WAITING if channel.vendor is Vendor.WECHAT else TradeState.ABSENT)

    await shop.pay(code_of(prepay))

    found = await port.query(trade.out_trade_no)
    party = port.party(channel)
    assert (found.state, found.amount_fen, found.currency) == (TradeState.PAID, trade.amount_fen, "CNY")
    assert (found.app_id, found.seller_id, found.paid_at) == (party.app_id, party.seller_id, shop.clock.now)
    (notice,) = await shop.notices()
    assert notice is not None
    told = (notice.out_trade_no, notice.transaction_id, notice.amount_fen, notice.app_id, notice.seller_id, notice.at)
    assert told == (
        trade.out_trade_no, found.transaction_id, trade.amount_fen, party.app_id, party.seller_id, shop.clock.now,
    )  # fmt: skip
    assert await shop.notices() == []


@pytest.mark.parametrize("channel", CODES)
async def test_the_same_trade_again_is_the_same_and_a_changed_one_is_refused(shop: Counter, channel: Channel) -> None:
    port, trade = shop.port(channel.vendor), shop.trade(channel)
    first = await port.create(trade)
    shop.clock.forward(minutes=1)
    assert await port.create(trade) == first
    with pytest.raises(GatewayRefused) as refused:
        await port.create(replace(trade, amount_fen=trade.amount_fen + 1))
    assert refused.value.params["reason"] in ("OUT_TRADE_NO_USED", "ACQ.CONTEXT_INCONSISTENT")
    await shop.pay(first.url)
    with pytest.raises(GatewayRefused) as refused:
        await port.create(trade)
    assert refused.value.params["reason"] in ("ORDERPAID", "ACQ.TRADE_HAS_SUCCESS")


@pytest.mark.parametrize("channel", CODES)
async def test_a_closed_trade_cannot_be_paid_and_a_paid_one_not_closed(shop: Counter, channel: Channel) -> None:
    port, trade, other = shop.port(channel.vendor), shop.trade(channel), shop.trade(channel)
    assert await port.close(trade.out_trade_no) is TradeState.ABSENT
    prepay, paid = await port.create(trade), await port.create(other)
    handle = await shop.scan(prepay.url)

    assert await port.close(trade.out_trade_no) is TradeState.CLOSED
    assert await port.close(trade.out_trade_no) is TradeState.CLOSED

    assert (await port.query(trade.out_trade_no)).state is TradeState.CLOSED
    assert (await shop._buyer(f"/cashier/{handle}/pay", "")).json() == {"code": "CLOSED"}
    await shop.pay(paid.url)
    assert await port.close(other.out_trade_no) is TradeState.PAID


async def test_a_code_nobody_opened_is_unknown_to_alipay_and_can_still_be_paid(shop: Counter) -> None:
    trade = shop.trade(Channel.ALIPAY_QR)
    prepay = await shop.alipay.create(trade)
    assert await shop.alipay.close(trade.out_trade_no) is TradeState.ABSENT
    await shop.pay(prepay.url)
    assert (await shop.alipay.query(trade.out_trade_no)).state is TradeState.PAID


@pytest.mark.parametrize("channel", CODES)
async def test_a_trade_expires(shop: Counter, channel: Channel) -> None:
    port, trade = shop.port(channel.vendor), shop.trade(channel)
    handle = await shop.scan((await port.create(trade)).url)
    shop.clock.now = trade.expires_at
    assert (await shop._buyer(f"/cashier/{handle}/pay", "")).json() == {"code": "CLOSED"}
    assert (await port.query(trade.out_trade_no)).state is TradeState.CLOSED


@pytest.mark.parametrize("channel", CODES)
async def test_refunds_are_partial_idempotent_and_never_more_than_was_paid(shop: Counter, channel: Channel) -> None:
    port, trade = shop.port(channel.vendor), shop.trade(channel, fen=1000)
    await shop.pay((await port.create(trade)).url)
    (paid,) = await shop.notices()
    first = NewRefund(trade.out_trade_no, new_number(), 300, 1000, "重复缴费")
    rest = NewRefund(trade.out_trade_no, new_number(), 700, 1000, "")
    assert (await port.query_refund(trade.out_trade_no, first.out_refund_no)).state is RefundState.ABSENT

    for _ in range(2):  # asked again after an answer was lost
        asked = await port.refund(first)
        assert (asked.amount_fen, asked.out_refund_no) == (300, first.out_refund_no)
    done = await port.query_refund(trade.out_trade_no, first.out_refund_no)
    assert (done.state, done.amount_fen, done.done_at) == (RefundState.DONE, 300, shop.clock.now)

    with pytest.raises(GatewayRefused):
        await port.refund(replace(first, amount_fen=301))
    with pytest.raises(GatewayRefused):
        await port.refund(replace(rest, amount_fen=701, out_refund_no=new_number()))
    await port.refund(rest)
    assert (await port.query_refund(trade.out_trade_no, rest.out_refund_no)).state is RefundState.DONE
    assert (await port.query(trade.out_trade_no)).state is TradeState.PAID  # it was, whatever went back since
    told = [notice for notice in await shop.notices() if notice is not None]
    if channel.vendor is Vendor.WECHAT:
        assert sorted((n.out_refund_no, n.amount_fen) for n in told) == [
            (first.out_refund_no, 300),
            (rest.out_refund_no, 700),
        ]
        assert {n.refund_state for n in told} == {RefundState.DONE}
        assert {n.transaction_id for n in told} == {paid.transaction_id if paid else ""}
    else:
        assert told == []  # Alipay's tell the sum; each refund was answered when it was asked for


@pytest.mark.parametrize("channel", CODES)
async def test_what_was_not_paid_is_not_given_back(shop: Counter, channel: Channel) -> None:
    port, trade = shop.port(channel.vendor), shop.trade(channel)
    refund = NewRefund(trade.out_trade_no, new_number(), 1, trade.amount_fen, "x")
    with pytest.raises(GatewayRefused):
        await port.refund(refund)
    await shop.scan((await port.create(trade)).url)
    with pytest.raises(GatewayRefused):
        await port.refund(refund)


@pytest.mark.parametrize("channel", CODES)
async def test_the_bill_of_a_day_has_what_was_paid_and_refunded(shop: Counter, channel: Channel) -> None:
    port, trade, unpaid = shop.port(channel.vendor), shop.trade(channel, title="物业费, 一季度"), shop.trade(channel)
    day = shop.clock.now.date()
    await shop.pay((await port.create(trade)).url)
    await port.create(unpaid)
    refund = NewRefund(trade.out_trade_no, new_number(), 45, trade.amount_fen, "")
    await port.refund(refund)
    await port.query_refund(trade.out_trade_no, refund.out_refund_no)
    with pytest.raises(GatewayRefused, match="PAYMENT_REFUSED"):
        await port.download_bill(day)
    shop.clock.forward(days=1)

    lines = await port.download_bill(day)

    seen = [(line.kind.value, line.out_trade_no, line.amount_fen, line.out_refund_no) for line in lines]
    assert seen == [
        ("payment", trade.out_trade_no, trade.amount_fen, ""),
        ("refund", trade.out_trade_no, 45, refund.out_refund_no),
    ]
    assert {line.transaction_id for line in lines} == {(await port.query(trade.out_trade_no)).transaction_id}
    assert {line.at for line in lines} == {shop.clock.now - timedelta(days=1)}
    assert await port.download_bill(day - timedelta(days=1)) == ()


async def test_an_open_trade_keeps_its_title_within_the_vendors_length(shop: Counter) -> None:
    for channel in CODES:
        trade = shop.trade(channel, title="幸福里/1号楼&2单元 物业费=" * 20)
        assert (await shop.port(channel.vendor).create(trade)).url
    assert all(len(trade.title.encode()) <= 256 for trade in shop.there.book)
