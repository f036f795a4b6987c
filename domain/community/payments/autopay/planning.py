"""What auto-pay will take: of which its home is told a day before, at least, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update

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
from domain.community.payments.autopay.telling import NEWS_OF, News, tell, tell_planned
from domain.community.payments.models import Charge, PaymentAttempt, PaymentOrder
from domain.community.payments.rules import ChargeState, OrderState
from domain.community.payments.service import UNSETTLED
from domain.estate.models import Area
from domain.kernel import bulk
from domain.kernel.errors import NotFound
from domain.kernel.uow import UnitOfWork

# Each home with auto-pay is looked up among the charges that are open: what was paid costs nothing. A charge that names
# no day is due since it was opened. No zone is a day ahead of UTC's: only what may be due is held against its own day.
_DUE: Final = f"""
select a.id as autopay_id, c.id as charge_id, c.amount_fen, c.amount_fen > a.limit_fen as over, z.timezone,
       coalesce(c.due_on, (c.opened_at at time zone z.timezone)::date) as due_on
from autopay a join area z on z.id = a.compound_id join charge c on c.home_id = a.home_id
where a.state = 'active' and c.state = 'open' and c.kind = any(a.kinds)
  and (c.due_on is null or c.due_on <= ($1::timestamptz at time zone 'UTC')::date + {NOTICE_DAYS + 1})
  and (c.due_on is null or c.due_on <= ($1::timestamptz at time zone z.timezone)::date + {NOTICE_DAYS})
  and not exists (select from autopay_plan p where p.autopay_id = a.id and p.charge_id = c.id)
order by a.id, c.id limit $2 for no key update of a skip locked
"""  # noqa: S608 - a number of ours
_COLUMNS: Final = (
    ("autopay_id", "int"),
    ("charge_id", "int"),
    ("amount_fen", "int8"),
    ("take_at", "timestamptz"),
    ("state", "text"),
    ("why", "text"),
)
_PLAN: Final = f"""
with new as (select * from unnest({bulk.arrays(_COLUMNS, after=1)}) as n ({bulk.names(_COLUMNS)})),
made as (
  insert into autopay_plan (county_id, town_id, community_id, compound_id, home_id, told_at, {bulk.names(_COLUMNS)})
  select a.county_id, a.town_id, a.community_id, a.compound_id, a.home_id, $1, new.*
  from new join autopay a on a.id = new.autopay_id
  on conflict (autopay_id, charge_id) do nothing
  returning *)
select made.*, a.account_id from made join autopay a on a.id = made.autopay_id order by made.id
"""  # noqa: S608 - column names of ours only


async def plan_due(uow: UnitOfWork, *, limit: int) -> int:
    """Plan up to ``limit`` charges that are due soon, and tell of them; how many."""
    connection = await uow.session.connection()
    due = await bulk.fetch(connection, _DUE, uow.now, limit)
    rows = [_row(each, uow.now) for each in due]
    for made in await bulk.fetch(connection, _PLAN, uow.now, *bulk.transposed(_COLUMNS, rows)):
        tell_planned(uow, made)
    return len(due)


def _row(due: Any, now: datetime) -> tuple[Any, ...]:
    at = take_at(due["due_on"], now, due["timezone"])
    state, why = (PlanState.FAILED, str(Why.OVER_LIMIT)) if due["over"] else (PlanState.PLANNED, None)
    return due["autopay_id"], due["charge_id"], due["amount_fen"], at, str(state), why


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
