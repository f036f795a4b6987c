"""Asking vendors about what is under way: every open attempt and refund, with no transaction open while they answer.

A notification may be lost, or come to a process that dies: what it would have said is asked for here. A step asks about
a batch at once and waits five seconds at most; who has not answered by then is asked again later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from domain.community.payments import polling, reconciling, service
from domain.community.payments.polling import DueAttempt, DueRefund
from domain.community.payments.ports import (
    GatewayRefused,
    Gateways,
    GatewayUnknown,
    Notice,
    PaymentPort,
    Refunding,
    RefundState,
    TradeState,
)
from domain.community.payments.rules import GRACE, AttemptState
from domain.community.payments.settling import scope_for, take_notice
from domain.kernel.actor import NOTHING, Scope, system_actor
from domain.kernel.uow import Database, UnitOfWork
from workers.schedule import Step, alone, everything

BATCH = 100
SECONDS = 5.0
T = TypeVar("T")
log = structlog.get_logger(__name__)


def payment_steps(gateways: Gateways) -> tuple[Step, ...]:
    """Steps of payments; without vendors orders only come to their end."""
    expire = alone("orders.expire", partial(service.expire_orders, limit=BATCH), everywhere=True)
    orders = Step("orders.expire", timedelta(seconds=10), expire, batch=BATCH)
    if not gateways:
        return (orders,)
    return (
        Step("payments.look", timedelta(seconds=2), partial(look_at_attempts, gateways=gateways)),
        Step("refunds.look", timedelta(seconds=2), partial(look_at_refunds, gateways=gateways)),
        Step("payments.reconcile", timedelta(hours=1), partial(reconcile_days, gateways=gateways)),
        orders,
    )


async def look_at_attempts(database: Database, *, gateways: Gateways, seconds: float = SECONDS) -> int:
    """Ask about the attempts that are due; how many were."""
    due = await _due(database, polling.due_attempts)
    known = [each for each in due if each.vendor in gateways]
    await _all([(each, partial(_attempt, database, gateways[each.vendor], each)) for each in known], seconds)
    return len(due)


async def look_at_refunds(database: Database, *, gateways: Gateways, seconds: float = SECONDS) -> int:
    """Ask for the refunds that are due, or about them; how many were."""
    due = await _due(database, polling.due_refunds)
    known = [each for each in due if each.vendor in gateways]
    await _all([(each, partial(_refund, database, gateways[each.vendor], each)) for each in known], seconds)
    return len(due)


async def reconcile_days(database: Database, *, gateways: Gateways) -> int:
    """Hold the vendors' bills that are there now against our rows; how many new differences there are."""
    found = 0
    for vendor, port in gateways.items():
        async with database.reader(NOTHING) as reader:
            days = await reconciling.days_to_reconcile(reader, vendor, database.clock())
        for day in days:
            try:
                lines = await port.download_bill(day)
            except (GatewayRefused, GatewayUnknown) as error:
                log.info("payments.no_bill", vendor=str(vendor), day=str(day), error=type(error).__name__)
                continue
            async with database.unit_of_work(system_actor(await everything(database))) as uow:
                found += await reconciling.reconcile(uow, vendor=vendor, day=day, lines=lines)
    if found:
        log.warning("payments.differences", found=found)
    return found


async def _due(database: Database, claim: Callable[..., Awaitable[list[T]]]) -> list[T]:
    async with database.unit_of_work(system_actor(await everything(database))) as uow:
        return await claim(uow, limit=BATCH)


async def _all(looks: Sequence[tuple[DueAttempt | DueRefund, Callable[[], Awaitable[None]]]], seconds: float) -> None:
    """Every look at once; one that fails, or takes too long, is told of and costs the others nothing."""

    async def one(due: DueAttempt | DueRefund, look: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(seconds):
                await look()
        except (GatewayRefused, GatewayUnknown, TimeoutError) as error:
            log.info("payments.unheard", id=due.id, kind=type(due).__name__, error=type(error).__name__)
        except Exception:
            log.exception("payments.failed", id=due.id, kind=type(due).__name__)

    await asyncio.gather(*(one(due, look) for due, look in looks))


async def _attempt(database: Database, port: PaymentPort, due: DueAttempt) -> None:
    state = await port.close(due.out_trade_no) if due.closing else None
    if state in (None, TradeState.PAID):
        trade = await port.query(due.out_trade_no)
        if trade.state is TradeState.PAID:
            await _take(database, polling.notice_of_trade(port.vendor, trade, now=database.clock()))
            return
        state = trade.state
    over = database.clock() >= due.expires_at + GRACE
    async with _place(database, due.compound_id) as uow:
        if due.state in (AttemptState.CLOSED, AttemptState.REFUSED):
            await polling.look_no_more(uow, [due.id])
        elif state is TradeState.CLOSED or (due.closing and state is TradeState.ABSENT and over):
            await service.record_closed(uow, attempt_id=due.id)


async def _refund(database: Database, port: PaymentPort, due: DueRefund) -> None:
    wanted = due.refund
    if due.asked:
        try:
            told = await port.refund(wanted)
        except GatewayRefused as refused:
            reason = str(refused.params.get("reason", ""))
            told = Refunding(wanted.out_refund_no, RefundState.FAILED, reason, amount_fen=wanted.amount_fen)
    else:
        told = await port.query_refund(wanted.out_trade_no, wanted.out_refund_no)
    if told.state is RefundState.ABSENT:
        async with _place(database, due.compound_id) as uow:
            await polling.ask_again(uow, due.id)
        return
    await _take(database, polling.notice_of_refund(due, told, now=database.clock()))


def _place(database: Database, compound_id: int) -> AbstractAsyncContextManager[UnitOfWork]:
    return database.unit_of_work(system_actor(Scope(compounds=(compound_id,))))


async def _take(database: Database, notice: Notice) -> None:
    async with database.unit_of_work(system_actor(scope_for([notice]))) as uow:
        await take_notice(uow, notice)
