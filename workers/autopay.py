"""Auto-pay: asking vendors about agreements, and taking what is due, with no transaction open while they answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from domain.community.payments.autopay import asking, planning, service, taking
from domain.community.payments.autopay.asking import DueAgreement
from domain.community.payments.autopay.ports import AgreementPort, Agreements, AgreementState
from domain.community.payments.autopay.rules import AutopayState
from domain.community.payments.autopay.schedule import Why
from domain.community.payments.autopay.taking import DueAutopay, Taking
from domain.community.payments.polling import notice_of_trade
from domain.community.payments.ports import GatewayRefused, GatewayUnknown
from domain.community.payments.settling import take_notice
from domain.kernel.actor import Scope, system_actor
from domain.kernel.uow import Database
from workers.schedule import Step, alone, everything

BATCH: Final = 40
SECONDS: Final = 5.0
MANY: Final = 200
PLANS: Final = 2000
"""Charges that are planned at once: in one statement, however many."""
TAKE_SECONDS: Final = 30.0
log = structlog.get_logger(__name__)


def autopay_steps(agreements: Agreements) -> tuple[Step, ...]:
    """Steps of auto-pay; without vendors it only ends for those who leave."""
    leavers = alone("autopay.leavers", partial(service.end_of_leavers, limit=MANY), everywhere=True)
    follow = alone("autopay.follow", partial(planning.follow, limit=MANY), everywhere=True)
    always = (
        Step("autopay.leavers", timedelta(minutes=10), leavers, batch=MANY),
        Step("autopay.follow", timedelta(seconds=30), follow, batch=MANY),
    )
    if not agreements:
        return always
    plan = alone("autopay.plan", partial(planning.plan_due, limit=PLANS), everywhere=True)
    return (
        Step("autopay.look", timedelta(seconds=2), partial(look_at_agreements, agreements=agreements)),
        Step("autopay.plan", timedelta(hours=1), plan, batch=PLANS),
        Step("autopay.take", timedelta(minutes=1), partial(take_due, agreements=agreements), batch=BATCH),
        *always,
    )


async def look_at_agreements(database: Database, *, agreements: Agreements, seconds: float = SECONDS) -> int:
    """Ask about the agreements that are due, or end them at the vendor; how many were."""
    async with database.unit_of_work(system_actor(await everything(database))) as uow:
        due = await asking.due_agreements(uow, limit=BATCH)
    known = [(each, agreements[each.vendor]) for each in due if each.vendor in agreements]
    await asyncio.gather(*(_look(database, port, each, seconds) for each, port in known))
    return len(due)


async def _look(database: Database, port: AgreementPort, due: DueAgreement, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await (_end if due.state is AutopayState.ENDED else _ask)(database, port, due)
    except (GatewayRefused, GatewayUnknown, TimeoutError) as error:
        log.info("autopay.unheard", id=due.id, error=type(error).__name__)
    except Exception:
        log.exception("autopay.failed", id=due.id)


async def _ask(database: Database, port: AgreementPort, due: DueAgreement) -> None:
    told = await port.query(due.number)
    async with database.unit_of_work(service.system_in(due.number)) as uow:
        if told.state is not AgreementState.ABSENT:
            await service.take_word(uow, vendor=due.vendor, number=due.number, state=told.state)
        elif due.expires_at <= uow.now:
            await asking.give_up(uow, due.id)


async def _end(database: Database, port: AgreementPort, due: DueAgreement) -> None:
    await port.unsign(due.number)
    async with database.unit_of_work(service.system_in(due.number)) as uow:
        await asking.ended_there(uow, due.id)


async def take_due(database: Database, *, agreements: Agreements, seconds: float = TAKE_SECONDS) -> int:
    """Take one payment of each auto-pay that has something to take now; how many had."""
    async with database.unit_of_work(system_actor(await everything(database))) as uow:
        due = await taking.due_autopays(uow, limit=BATCH)
    known = [(each, agreements[each.vendor]) for each in due if each.vendor in agreements]
    await asyncio.gather(*(_take(database, port, each, seconds) for each, port in known))
    return len(due)


async def _take(database: Database, port: AgreementPort, due: DueAutopay, seconds: float) -> None:
    """What nobody hears of is asked about by the attempt's number, as of every attempt, and never taken again. What
    fails before there is an attempt is told of and put off, so that the next batch is of others."""
    try:
        async with asyncio.timeout(seconds):
            await take_one(database, port, due)
    except (GatewayRefused, GatewayUnknown, TimeoutError) as error:
        log.info("autopay.unheard", id=due.id, error=type(error).__name__)
    except Exception:
        log.exception("autopay.failed", id=due.id)
        async with database.unit_of_work(system_actor(Scope(compounds=(due.compound_id,)))) as uow:
            await taking.put_off(uow, due.id)


async def take_one(database: Database, port: AgreementPort, due: DueAutopay) -> None:
    """Take one payment, if there is anything to take. Raises GatewayUnknown: nobody knows yet whether it was taken."""
    actor = system_actor(Scope(compounds=(due.compound_id,)))
    async with database.unit_of_work(actor) as uow:
        begun = await taking.begin_taking(uow, autopay_id=due.id, party=port.party)
    if begun is None:
        return
    agreed = await port.query(begun.number)
    if agreed.state is not AgreementState.SIGNED:
        async with database.unit_of_work(actor) as uow:
            await taking.give_up(uow, begun, None)
            await service.take_word(uow, vendor=port.vendor, number=begun.number, state=AgreementState.ENDED)
        return
    await _deduct(database, port, begun, agreed.vendor_number)


async def _deduct(database: Database, port: AgreementPort, begun: Taking, vendor_number: str) -> None:
    actor = system_actor(Scope(compounds=(begun.compound_id,)))
    try:
        trade = await port.deduct(begun.trade, vendor_number)
    except GatewayRefused as refused:
        log.info("autopay.declined", id=begun.autopay_id, reason=refused.params.get("reason"))
        async with database.unit_of_work(actor) as uow:
            await taking.give_up(uow, begun, Why.DECLINED)
        return
    async with database.unit_of_work(actor) as uow:
        await take_notice(uow, notice_of_trade(port.vendor, trade, now=uow.now))
