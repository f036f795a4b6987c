"""What auto-pay will take: of which its home is told a day before, at least, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.payments.autopay.errors import AutopayOver
from domain.community.payments.autopay.models import Autopay, AutopayPlan
from domain.community.payments.autopay.policies import visible
from domain.community.payments.autopay.rules import AutopayState
from domain.community.payments.autopay.schedule import (
    NOTICE_DAYS,
    PlanState,
    Why,
    again_at,
    take_at,
    tried_enough,
)
from domain.community.payments.autopay.service import locked, record
from domain.community.payments.autopay.telling import NEWS_OF, News, tell
from domain.community.payments.models import Charge, PaymentAttempt, PaymentOrder
from domain.community.payments.rules import ChargeState, OrderState
from domain.community.payments.service import UNSETTLED, place_columns
from domain.estate.models import Area
from domain.kernel import bulk
from domain.kernel.errors import NotFound
from domain.kernel.uow import UnitOfWork

_DUE: Final = f"""
select a.id as autopay_id, c.id as charge_id, c.amount_fen, z.timezone,
       coalesce(c.due_on, (c.opened_at at time zone z.timezone)::date) as due_on
from autopay a join area z on z.id = a.compound_id join charge c on c.home_id = a.home_id
where a.state = 'active' and c.state = 'open' and c.kind = any(a.kinds)
  and coalesce(c.due_on, (c.opened_at at time zone z.timezone)::date)
      <= ($1::timestamptz at time zone z.timezone)::date + {NOTICE_DAYS}
  and not exists (select from autopay_plan p where p.autopay_id = a.id and p.charge_id = c.id)
order by a.id, c.id limit $2 for no key update of a skip locked
"""  # noqa: S608 - a number of ours


async def plan_due(uow: UnitOfWork, *, limit: int) -> int:
    """Plan up to ``limit`` charges that are due soon, and tell of them; how many."""
    connection = await uow.session.connection()
    due = await bulk.fetch(connection, _DUE, uow.now, limit)
    ids = {row["autopay_id"] for row in due}
    found = await uow.session.execute(select(Autopay).where(Autopay.id.in_(ids)))
    of = {autopay.id: autopay for autopay in found.scalars()}
    for row in due:
        autopay = of[row["autopay_id"]]
        over = row["amount_fen"] > autopay.limit_fen
        values = place_columns(autopay) | {
            "autopay_id": autopay.id,
            "charge_id": row["charge_id"],
            "amount_fen": row["amount_fen"],
            "take_at": take_at(row["due_on"], uow.now, row["timezone"]),
            "told_at": uow.now,
            "state": str(PlanState.FAILED if over else PlanState.PLANNED),
            "why": str(Why.OVER_LIMIT) if over else None,
        }
        once = insert(AutopayPlan).values(values).on_conflict_do_nothing(index_elements=["autopay_id", "charge_id"])
        plan = (await uow.session.execute(once.returning(AutopayPlan))).scalar_one_or_none()
        if plan is not None:
            tell(uow, autopay, plan, News.OVER_LIMIT if over else News.PLANNED, at=None if over else plan.take_at)
    return len(due)


async def locked_plan(uow: UnitOfWork, plan_id: int) -> tuple[Autopay, AutopayPlan]:
    """A plan that the actor sees with its auto-pay, both locked. Raises NotFound."""
    of = await uow.session.scalar(
        select(AutopayPlan.autopay_id).where(AutopayPlan.id == plan_id, visible(uow.actor, AutopayPlan))
    )
    if of is None:
        raise NotFound(field="id")
    autopay = await locked(uow, of)
    found = await uow.session.execute(
        select(AutopayPlan).where(AutopayPlan.id == plan_id).with_for_update().execution_options(populate_existing=True)
    )
    return autopay, found.scalar_one()


async def skip_plan(uow: UnitOfWork, *, plan_id: int) -> None:
    """Leave the charge to be paid by hand. Raises NotFound, AutopayOver (it is being taken, or over)."""
    autopay, plan = await locked_plan(uow, plan_id)
    if plan.state != PlanState.PLANNED:
        raise AutopayOver
    await write_plans(uow, [plan.id], state=str(PlanState.SKIPPED))
    record(uow, "autopay.skipped", autopay, charge=plan.charge_id)


async def write_plans(uow: UnitOfWork, ids: Sequence[int], **values: object) -> None:
    """Change columns of plans that are locked."""
    changed = update(AutopayPlan).where(AutopayPlan.id.in_(ids)).values(**values)
    await uow.session.execute(changed.execution_options(synchronize_session=False))


async def not_taken(uow: UnitOfWork, autopay: Autopay, plan: AutopayPlan, why: Why, *, zone: str) -> None:
    """A plan that was tried and not taken: again the next day, or left to be paid by hand."""
    if tried_enough(plan.tries):
        await write_plans(uow, [plan.id], state=str(PlanState.FAILED), why=str(why))
        tell(uow, autopay, plan, News.BY_HAND)
        return
    at = again_at(uow.now, zone)
    await write_plans(uow, [plan.id], state=str(PlanState.PLANNED), why=str(why), take_at=at)
    tell(uow, autopay, plan, News.AGAIN, at=at)


async def refuse(uow: UnitOfWork, autopay: Autopay, plan: AutopayPlan, why: Why, *, fen: int, zone: str) -> None:
    """A plan that is not even tried: over a limit; or it is more than was told, and is told anew with a day's time."""
    if why is not Why.RAISED or tried_enough(plan.tries + 1):
        await write_plans(uow, [plan.id], state=str(PlanState.FAILED), why=str(why), amount_fen=fen)
        what, at = (News.BY_HAND if why is Why.RAISED else NEWS_OF[why]), None
    else:
        at = take_at(uow.now.date(), uow.now, zone)
        said = {"why": str(why), "amount_fen": fen, "take_at": at, "told_at": uow.now, "tries": plan.tries + 1}
        await write_plans(uow, [plan.id], **said)
        what = News.RAISED
    plan.amount_fen = fen
    tell(uow, autopay, plan, what, at=at)


async def follow(uow: UnitOfWork, *, limit: int) -> int:
    """Note what became of up to ``limit`` plans that were being taken; how many."""
    unsettled = (
        select(PaymentAttempt.id)
        .where(PaymentAttempt.order_id == AutopayPlan.order_id, PaymentAttempt.state.in_(UNSETTLED))
        .exists()
    )
    found = await uow.session.execute(
        select(AutopayPlan, Autopay, PaymentOrder.state, Charge.state, Area.timezone)
        .join(Autopay, Autopay.id == AutopayPlan.autopay_id)
        .join(PaymentOrder, PaymentOrder.id == AutopayPlan.order_id)
        .join(Charge, Charge.id == AutopayPlan.charge_id)
        .join(Area, Area.id == AutopayPlan.compound_id)
        .where(AutopayPlan.state == str(PlanState.TRYING), visible(uow.actor, AutopayPlan))
        .where(PaymentOrder.state != str(OrderState.OPEN), (PaymentOrder.state == str(OrderState.PAID)) | ~unsettled)
        .order_by(AutopayPlan.id)
        .limit(limit)
        .with_for_update(of=AutopayPlan, skip_locked=True)
    )
    rows = found.all()
    for plan, autopay, order, charge, zone in rows:
        if order == OrderState.PAID:
            await write_plans(uow, [plan.id], state=str(PlanState.PAID), why=None)
            tell(uow, autopay, plan, News.PAID)
        elif charge != ChargeState.OPEN:
            await write_plans(uow, [plan.id], state=str(PlanState.SETTLED))
        elif autopay.state == AutopayState.ENDED:
            await write_plans(uow, [plan.id], state=str(PlanState.SKIPPED))
        else:
            await not_taken(uow, autopay, plan, Why.UNHEARD, zone=zone)
    return len(rows)
