"""Root queries and the node reader of auto-pay."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from api.community.payments.autopay import types
from api.context import Context, Info
from api.nodes import NodeReader, by_number, optional_id
from api.paging import Connection, connection
from domain.community.payments.autopay import queries
from domain.community.payments.autopay.schedule import PlanState
from domain.kernel.paging import page_size
from domain.kernel.uow import AnyRow


@strawberry.type
class AutopayQuery:
    """Root queries of auto-pay."""

    @strawberry.field(description="Auto-pay of the caller's homes, newest first. 自动缴费（最新在前）。")
    async def autopays(
        self, info: Info, home: strawberry.ID | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[types.Autopay]:
        read, actor, whose = info.context.read, info.context.actor, optional_id(home, "Home", field="home")
        page = await queries.autopay_page(read, actor, whose, first=page_size(first), after=after)
        return connection(page, types.autopay)

    @strawberry.field(description="What auto-pay takes and took, newest first. 自动缴费计划（最新在前）。")
    async def autopay_plans(
        self,
        info: Info,
        home: strawberry.ID | None = None,
        state: PlanState | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.AutopayPlan]:
        read, actor, whose = info.context.read, info.context.actor, optional_id(home, "Home", field="home")
        wanted = None if state is None else str(state)
        page = await queries.plan_page(read, actor, whose, wanted, first=page_size(first), after=after)
        return connection(page, types.plan)


async def plans(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """What auto-pay takes, by id."""
    return {row.id: row for row in await queries.plans_by_id(context.read, context.actor, ids)}


async def autopays(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Auto-pay by id."""
    return {row.id: row for row in await queries.autopays_by_id(context.read, context.actor, ids)}


read_autopay = by_number(autopays, types.autopay)
read_plan = by_number(plans, types.plan)

NODE_READERS: dict[str, NodeReader] = {"Autopay": read_autopay, "AutopayPlan": read_plan}
