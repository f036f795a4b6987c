"""Taking what is due: an order and an attempt as any other, opened under the auto-pay's lock before the vendor hears.

A vendor is never called inside: the caller opens here, asks the agreement's number, takes the payment with no
transaction open, and records here or by ``settling`` what came of it. An attempt is taken once: what nobody heard of is
asked for by its number, as of every attempt, and its charges are tried again under another one when it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, update

from domain.community.payments.autopay.models import Autopay, AutopayPlan
from domain.community.payments.autopay.planning import not_taken, refuse, write_plans
from domain.community.payments.autopay.rules import AutopayState, EndedBecause
from domain.community.payments.autopay.schedule import WAIT, PlanState, Wanted, Why, month_begins, pack
from domain.community.payments.autopay.service import STAYS, end
from domain.community.payments.models import Charge, PaymentAttempt, PaymentOrder
from domain.community.payments.ports import Channel, NewTrade, Party, Vendor
from domain.community.payments.rules import AttemptState, ChargeState, OrderState
from domain.community.payments.service import UNSETTLED, begin_attempt, close_order, locked_order, open_order
from domain.estate.models import Area
from domain.kernel import bulk
from domain.kernel.uow import UnitOfWork

CHARGES: Final = 8
"""How many charges that are due are looked at for each auto-pay that is wanted: of those due first."""
_DUE: Final = """
select distinct id, compound_id, vendor from (
  select a.id, a.compound_id, a.vendor from autopay_plan p join autopay a on a.id = p.autopay_id
  where a.state = 'active' and p.state = 'planned' and p.take_at <= $1 order by p.take_at limit $3) due
order by id limit $2
"""
COUNTED: Final = (*UNSETTLED, AttemptState.PAID)
"""Attempts that count to a month's limit: paid, and those that may be."""


@dataclass(frozen=True, slots=True)
class DueAutopay:
    """An auto-pay that has something to take."""

    id: int
    compound_id: int
    vendor: Vendor


@dataclass(frozen=True, slots=True)
class Taking:
    """A payment to take, by the agreement of that number. rest: whether there is more to take after it."""

    autopay_id: int
    compound_id: int
    number: str
    order_id: int
    trade: NewTrade


async def due_autopays(uow: UnitOfWork, *, limit: int) -> list[DueAutopay]:
    """Up to ``limit`` auto-pays that have something to take now."""
    rows = await bulk.fetch(await uow.session.connection(), _DUE, uow.now, limit, limit * CHARGES)
    return [DueAutopay(row["id"], row["compound_id"], Vendor(row["vendor"])) for row in rows]


async def put_off(uow: UnitOfWork, autopay_id: int) -> None:
    """Look at what is due of an auto-pay later, since something failed: the others are not to wait behind it."""
    due = (AutopayPlan.autopay_id == autopay_id) & (AutopayPlan.state == str(PlanState.PLANNED))
    await uow.session.execute(
        update(AutopayPlan)
        .where(due, AutopayPlan.take_at <= uow.now)
        .values(take_at=uow.now + WAIT)
        .execution_options(synchronize_session=False)
    )


async def begin_taking(uow: UnitOfWork, *, autopay_id: int, party: Party) -> Taking | None:
    """Open an order and an attempt over what is due; None when there is nothing to take, or somebody else does.

    Whoever signed must still be a verified resident. What is paid or void is settled, what somebody pays by hand waits.
    """
    found = await uow.session.execute(
        select(Autopay, Area.timezone, STAYS)
        .join(Area, Area.id == Autopay.compound_id)
        .where(Autopay.id == autopay_id, Autopay.state == str(AutopayState.ACTIVE))
        .with_for_update(of=Autopay, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    row = found.first()
    if row is None:
        return None
    autopay, zone, stays = row
    if not stays:
        await end(uow, autopay, EndedBecause.LEFT)
        return None
    wanted, charges, plans = await _wanted(uow, autopay)
    left = autopay.monthly_limit_fen - await _taken_this_month(uow, autopay, zone)
    packed = pack(wanted, limit_fen=autopay.limit_fen, left_fen=left)
    for plan_id, why in packed.refused.items():
        plan = plans[plan_id]
        await refuse(uow, autopay, plan, why, fen=charges[plan.charge_id].amount_fen, zone=zone)
    if not packed.take:
        return None
    order = await open_order(uow, [charges[each.charge_id] for each in packed.take], account_id=autopay.account_id)
    started = await begin_attempt(uow, order, Channel.ALIPAY_WITHHOLD, party)
    for each in packed.take:
        tries = plans[each.plan_id].tries + 1
        await write_plans(uow, [each.plan_id], state=str(PlanState.TRYING), order_id=order.id, tries=tries)
    return Taking(autopay.id, autopay.compound_id, autopay.number, order.id, started.trade)


async def _wanted(
    uow: UnitOfWork, autopay: Autopay
) -> tuple[Sequence[Wanted], dict[int, Charge], dict[int, AutopayPlan]]:
    """What is due and can be taken now, with its charges and plans, locked."""
    due = await uow.session.execute(
        select(AutopayPlan)
        .where(AutopayPlan.autopay_id == autopay.id, AutopayPlan.state == str(PlanState.PLANNED))
        .where(AutopayPlan.take_at <= uow.now)
        .order_by(AutopayPlan.take_at, AutopayPlan.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    plans = {plan.id: plan for plan in due.scalars()}
    held = await uow.session.execute(
        select(Charge)
        .where(Charge.id.in_([plan.charge_id for plan in plans.values()]))
        .order_by(Charge.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    charges = {charge.id: charge for charge in held.scalars()}
    waiting = await _unsettled(uow, [plan.order_id for plan in plans.values() if plan.order_id is not None])
    wanted = []
    for plan in plans.values():
        charge = charges[plan.charge_id]
        if charge.state in (ChargeState.PAID, ChargeState.VOID):
            await write_plans(uow, [plan.id], state=str(PlanState.SETTLED))
        elif charge.state == ChargeState.HELD or plan.order_id in waiting:
            await write_plans(uow, [plan.id], take_at=uow.now + WAIT)
        else:
            wanted.append(Wanted(plan.id, charge.id, charge.amount_fen, plan.amount_fen))
    return wanted, charges, plans


async def _unsettled(uow: UnitOfWork, orders: Sequence[int]) -> set[int]:
    """Orders of earlier tries of which it is not certain yet that nothing was taken."""
    found = await uow.session.scalars(
        select(PaymentAttempt.order_id).where(
            PaymentAttempt.order_id.in_(orders), PaymentAttempt.state.in_([str(each) for each in UNSETTLED])
        )
    )
    return set(found)


async def _taken_this_month(uow: UnitOfWork, autopay: Autopay, zone: str) -> int:
    """What was taken, or may be, from whoever signed since the month began, in fen; counted under the lock."""
    total = await uow.session.scalar(
        select(func.coalesce(func.sum(PaymentAttempt.amount_fen), 0))
        .join(PaymentOrder, PaymentOrder.id == PaymentAttempt.order_id)
        .where(PaymentAttempt.home_id == autopay.home_id, PaymentAttempt.channel == str(Channel.ALIPAY_WITHHOLD))
        .where(PaymentOrder.home_id == autopay.home_id, PaymentOrder.account_id == autopay.account_id)
        .where(PaymentAttempt.created_at >= month_begins(uow.now, zone))
        .where(PaymentAttempt.state.in_([str(each) for each in COUNTED]))
    )
    return int(total or 0)


async def give_up(uow: UnitOfWork, taking: Taking, why: Why | None) -> None:
    """Nothing is to be taken by this order: its charges are free, and the worker closes what the vendor began.

    why: tried again, or not any more; None = the agreement is over, and the plans with it.
    """
    autopay = (
        await uow.session.execute(select(Autopay).where(Autopay.id == taking.autopay_id).with_for_update())
    ).scalar_one()
    order = await locked_order(uow, taking.order_id)
    if order.state != OrderState.OPEN:
        return
    await close_order(uow, order)
    zone = await uow.session.scalar(select(Area.timezone).where(Area.id == autopay.compound_id))
    found = await uow.session.execute(
        select(AutopayPlan)
        .where(AutopayPlan.order_id == order.id, AutopayPlan.state == str(PlanState.TRYING))
        .order_by(AutopayPlan.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for plan in found.scalars():
        if why is None:
            await write_plans(uow, [plan.id], state=str(PlanState.SKIPPED))
        else:
            await not_taken(uow, autopay, plan, why, zone=str(zone))
