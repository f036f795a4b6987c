"""Root queries and node readers of repairs."""

from __future__ import annotations

import strawberry

from api.community.repairs import loaders, types
from api.context import Context, Info
from api.nodes import NodeReader, integer, optional_id
from api.paging import Connection, connection
from domain.community.repairs import queries
from domain.community.repairs.queries import RepairFilter
from domain.community.repairs.rules import RepairState, Skill
from domain.kernel.paging import page_size


@strawberry.type
class RepairQuery:
    """Root queries of repairs."""

    @strawberry.field(description="Repairs, newest first. 报修单（最新在前）。")
    async def repairs(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        state: RepairState | None = None,
        late: bool | None = None,
        unvisited: bool | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.RepairRequest]:
        read, actor = info.context.read, info.context.actor
        wanted = RepairFilter(optional_id(area, "Area", field="area"), state, late, unvisited)
        page = await queries.repair_page(read, actor, wanted, first=page_size(first), after=after)
        return connection(page, types.repair)

    @strawberry.field(description="Open repairs where one works, in order of id. 待接报修单。")
    async def repair_offers(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        skill: Skill | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.RepairOffer]:
        read, actor = info.context.read, info.context.actor
        where = optional_id(area, "Area", field="area")
        page = await queries.offer_page(read, actor, area_id=where, skill=skill, first=page_size(first), after=after)
        return connection(page, types.offer)

    @strawberry.field(description="Workers who repair, in order of id. 维修师傅。")
    async def repair_workers(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        skill: Skill | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.RepairWorker]:
        read, actor = info.context.read, info.context.actor
        where = optional_id(area, "Area", field="area")
        page = await queries.worker_page(read, actor, area_id=where, skill=skill, first=page_size(first), after=after)
        return connection(page, types.worker)


async def read_repair(context: Context, rest: str) -> types.RepairRequest | None:
    """``node(id)`` of a repair."""
    row = await context.loaders.one(loaders.repairs, integer(rest))
    return types.repair(row) if row is not None else None


async def read_offer(context: Context, rest: str) -> types.RepairOffer | None:
    """``node(id)`` of an offer."""
    row = await context.loaders.one(loaders.offers, integer(rest))
    return types.offer(row) if row is not None else None


async def read_worker(context: Context, rest: str) -> types.RepairWorker | None:
    """``node(id)`` of a worker who repairs."""
    row = await context.loaders.one(loaders.workers, integer(rest))
    return types.worker(row) if row is not None else None


NODE_READERS: dict[str, NodeReader] = {
    "RepairRequest": read_repair,
    "RepairOffer": read_offer,
    "RepairWorker": read_worker,
}
