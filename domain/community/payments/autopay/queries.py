"""Reads of auto-pay: for the home's verified residents alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from domain.community.payments.autopay.models import Autopay, AutopayPlan
from domain.community.payments.autopay.policies import visible
from domain.estate.queries import homes_by_id
from domain.kernel.actor import Actor
from domain.kernel.errors import NotFound
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader

_COLUMNS = Autopay.__table__.columns
_PLAN = AutopayPlan.__table__.columns


async def autopay_page(
    reader: Reader, actor: Actor, home_id: int | None, *, first: int, after: str | None
) -> Page[AnyRow]:
    """Auto-pay of one home or all of the actor's, newest first. Raises NotFound, BadCursor."""
    query = select(*_COLUMNS).where(visible(actor, Autopay))
    if home_id is not None:
        if not await homes_by_id(reader, actor, [home_id]):
            raise NotFound(field="home")
        query = query.where(Autopay.home_id == home_id)
    return await keyset_page(reader, query, Autopay.id, first=first, after=after, newest=True)


async def autopays_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """Auto-pay by id, where the actor sees it."""
    return await reader.rows(select(*_COLUMNS).where(Autopay.id.in_(ids), visible(actor, Autopay)))


async def plan_page(
    reader: Reader, actor: Actor, home_id: int | None, state: str | None, *, first: int, after: str | None
) -> Page[AnyRow]:
    """What auto-pay takes of one home or all of the actor's, newest first. Raises NotFound, BadCursor."""
    query = select(*_PLAN).where(visible(actor, AutopayPlan))
    if home_id is not None:
        if not await homes_by_id(reader, actor, [home_id]):
            raise NotFound(field="home")
        query = query.where(AutopayPlan.home_id == home_id)
    if state is not None:
        query = query.where(AutopayPlan.state == state)
    return await keyset_page(reader, query, AutopayPlan.id, first=first, after=after, newest=True)


async def plans_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """What auto-pay takes, by id, where the actor sees it."""
    return await reader.rows(select(*_PLAN).where(AutopayPlan.id.in_(ids), visible(actor, AutopayPlan)))
