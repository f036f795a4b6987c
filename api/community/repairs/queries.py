"""Root queries and node readers of repairs."""

from __future__ import annotations

import strawberry

from api.community.repairs import loaders, types
from api.context import Info
from api.nodes import NodeReader, by_number, optional_id
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


read_repair = by_number(loaders.repairs, types.repair)
read_offer = by_number(loaders.offers, types.offer)
read_worker = by_number(loaders.workers, types.worker)


NODE_READERS: dict[str, NodeReader] = {
    "RepairRequest": read_repair,
    "RepairOffer": read_offer,
    "RepairWorker": read_worker,
}
