"""Paying an order through a vendor: a unit of work, the call with no transaction open, a unit of work.

What a call did may stay unknown. The attempt stands with its number then, and whoever comes next asks by it first: the
payer again, or the worker.
"""

from __future__ import annotations

from api.context import Context
from domain.community.payments import service
from domain.community.payments.errors import ChannelNotOffered, OrderClosed, PayerNeeded
from domain.community.payments.polling import notice_of_trade
from domain.community.payments.ports import (
    Channel,
    GatewayRefused,
    PaymentPort,
    Prepay,
    Trade,
    TradeState,
    Vendor,
)
from domain.community.payments.service import Next, Started
from domain.community.payments.settling import scope_for, take_notice
from domain.kernel.actor import system_actor


async def pay(context: Context, order_id: int, channel: Channel, payer_id: str) -> Prepay | None:
    """What the client opens to pay the order through ``channel``; None when it turns out to be paid.

    Raises ChannelNotOffered, PayerNeeded, NotFound, Forbidden, OrderClosed, GatewayRefused, GatewayUnknown.
    """
    port = _offered(context, channel)
    if channel is Channel.WECHAT_JSAPI and not payer_id:
        raise PayerNeeded(field="payer")
    started = await _start(context, port, order_id, channel, payer_id)
    if started.next is Next.CLOSE_FIRST:
        if not await _closed(context, started):
            return None
        started = await _start(context, port, order_id, channel, payer_id)
        if started.next is Next.CLOSE_FIRST:
            raise OrderClosed  # somebody else pays at this moment
    if started.next is Next.LAUNCH:
        return started.prepay
    if started.next is Next.ASK_FIRST and await _settled(context, port, started):
        return None
    return await _create(context, port, started)


def _offered(context: Context, channel: Channel) -> PaymentPort:
    port = context.services.payments.get(channel.vendor)
    if port is None or channel not in port.channels:
        raise ChannelNotOffered(field="channel")
    return port


async def _start(context: Context, port: PaymentPort, order_id: int, channel: Channel, payer_id: str) -> Started:
    async with context.uow() as uow:
        return await service.start_attempt(
            uow, order_id=order_id, channel=channel, party=port.party(channel), payer_id=payer_id
        )


async def _create(context: Context, port: PaymentPort, started: Started) -> Prepay:
    try:
        prepay = await port.create(started.trade)
    except GatewayRefused as refused:
        async with context.uow() as uow:
            reason = str(refused.params.get("reason", ""))
            await service.record_refused(uow, attempt_id=started.attempt_id, reason=reason)
        raise
    async with context.uow() as uow:
        await service.record_prepay(uow, attempt_id=started.attempt_id, prepay=prepay)
    return prepay


async def _closed(context: Context, started: Started) -> bool:
    """Close another channel's attempt; False when that had just been paid."""
    port = context.services.payments.get(started.trade.channel.vendor)
    if port is None:
        raise ChannelNotOffered(field="channel")
    state = await port.close(started.trade.out_trade_no)
    if state is TradeState.PAID:
        await _take(context, port.vendor, await port.query(started.trade.out_trade_no))
        return False
    async with context.uow() as uow:
        await service.record_closed(uow, attempt_id=started.attempt_id, absent=state is TradeState.ABSENT)
    return True


async def _settled(context: Context, port: PaymentPort, started: Started) -> bool:
    """Whether a trade of which nobody heard was paid meanwhile."""
    trade = await port.query(started.trade.out_trade_no)
    if trade.state is TradeState.PAID:
        await _take(context, port.vendor, trade)
    return trade.state is TradeState.PAID


async def _take(context: Context, vendor: Vendor, trade: Trade) -> None:
    """Book what the vendor says: as the system, for a payer may not write receipts."""
    notice = notice_of_trade(vendor, trade, now=context.now())
    database, actor = context.services.database, system_actor(scope_for([notice]))
    async with database.unit_of_work(actor, request_id=context.request_id) as uow:
        await take_notice(uow, notice)
