"""Refunds that fail, by what our adapters hear from the sandbox of both vendors: what the office does about them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from domain.community.payments.charges import refund_charge
from domain.community.payments.errors import RefundNotFailed
from domain.community.payments.ports import Channel, Vendor
from domain.kernel.uow import Database
from tests.factories.clock import Clock
from tests.factories.payments import Counter, counter
from tests.factories.till import Till
from tests.factories.world import World
from workers.payments import look_at_refunds


@pytest.fixture
async def shop(clock: Clock) -> AsyncIterator[Counter]:
    async with counter(refund_seconds=3600) as made:
        made.clock.now = clock.instant
        yield made


@pytest.fixture
def till(world: World, clocked: Database, superuser: asyncpg.Connection, shop: Counter) -> Till:
    made = Till(world, clocked, superuser)
    made.vendors = {Vendor.WECHAT: shop.wechat, Vendor.ALIPAY: shop.alipay}  # type: ignore[dict-item]
    return made


async def heard(till: Till, shop: Counter) -> list[str]:
    """What came of the notifications that arrive now."""
    return await till.take(*[notice for notice in await shop.notices() if notice is not None])


async def looked(till: Till) -> str:
    """Ask the vendors for what is due; the newest refund's state."""
    await look_at_refunds(till.database, gateways=dict(till.vendors))
    return (await till.states("refund"))[-1]


async def asked_back(till: Till, shop: Counter, channel: Channel) -> tuple[int, str, str]:
    """A payment of 100 of which 60 are to go back; the refund, its number and the trade's."""
    bought = await till.bought(100, channel=channel)
    launch = (await till.rows("payment_attempt"))[bought.attempt]["launch"]
    await shop.pay(json.loads(launch)["url"])
    assert await heard(till, shop) == ["credit"]
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        refund = await refund_charge(uow, charge_id=bought.charges[0], amount_fen=60, reason="多收退回")
    return refund, (await till.rows("refund"))[refund]["out_refund_no"], bought.number


async def test_what_wechat_pay_closed_goes_back_under_a_new_number(till: Till, shop: Counter) -> None:
    refund, number, trade_no = await asked_back(till, shop, Channel.WECHAT_NATIVE)
    assert await looked(till) == "sent"
    shop.there.wechat.fail(number, "CLOSED")
    assert await heard(till, shop) == ["refund_failed"]
    assert (await till.rows("refund"))[refund]["failed_because"] == "CLOSED"
    again = await till.again(refund)
    assert again != refund
    assert await looked(till) == "sent"
    shop.clock.forward(hours=2)
    assert await heard(till, shop) == ["refund_done"]
    trade = shop.there.book.find(Vendor.WECHAT, out_trade_no=trade_no)
    assert (trade.refunded, len(trade.refunds), await till.states("refund")) == (60, 2, ["replaced", "done"])
    assert await till.states("reconciliation_item") == ["settled"]
    await till.sound()


async def test_what_the_payers_bank_does_not_take_is_made_at_the_vendors_or_by_the_office(
    till: Till, shop: Counter, clock: Clock
) -> None:
    refund, number, _ = await asked_back(till, shop, Channel.WECHAT_NATIVE)
    await looked(till)
    shop.there.wechat.fail(number, "ABNORMAL")
    clock.advance(minutes=1)
    assert await looked(till) == "failed", "the query tells too"
    assert await till.again(refund) == refund
    assert await looked(till) == "failed", "it is as it was"
    assert await till.states("reconciliation_item") == ["open"]
    shop.there.book.fail(Vendor.WECHAT, number, "")  # somebody sends it another way, in the vendor's own console
    with pytest.raises(RefundNotFailed):
        await till.by_hand(refund)
    assert (await till.states("refund"), await till.account("office")) == (["sent"], 0)
    shop.clock.forward(hours=2)
    assert "refund_done" in await heard(till, shop)
    assert await till.states("reconciliation_item") == ["settled"]
    await till.sound()


@pytest.mark.parametrize(
    ("channel", "said", "then"),
    [
        (Channel.WECHAT_NATIVE, "NOT_ENOUGH", "sent"),
        (Channel.ALIPAY_QR, "ACQ.SELLER_BALANCE_NOT_ENOUGH", "done"),
    ],
)
async def test_a_refusal_for_want_of_money_is_asked_for_again_under_its_number(
    till: Till, shop: Counter, channel: Channel, said: str, then: str
) -> None:
    shop.there.book.short = True
    refund, number, trade_no = await asked_back(till, shop, channel)
    assert await looked(till) == "failed"
    assert (await till.rows("refund"))[refund]["failed_because"] == said
    assert await till.again(refund) == refund
    assert await looked(till) == "failed"
    shop.there.book.short = False
    await till.again(refund)
    assert await looked(till) == then
    assert set(shop.there.book.find(channel.vendor, out_trade_no=trade_no).refunds) == {number}
    await till.sound()
