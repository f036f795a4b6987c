"""Root queries and node readers of the estate."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.estate import loaders, types
from api.nodes import NodeReader, by_number, row_id
from api.paging import Connection, connection
from domain.estate import queries
from domain.kernel.actor import Level
from domain.kernel.paging import page_size


@strawberry.type
class EstateQuery:
    """Root queries of the estate."""

    @strawberry.field(description="The areas the caller may see, in order of id. 可见的区域。")
    async def areas(
        self,
        info: Info,
        level: Level | None = None,
        parent: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Area]:
        context = info.context
        under = row_id(parent, "Area", field="parent") if parent is not None else None
        page = await queries.area_page(
            context.read, context.actor, level=level, parent_id=under, first=page_size(first), after=after
        )
        return connection(page, types.area)


read_area = by_number(loaders.areas, types.area)
read_building = by_number(loaders.buildings, types.building)
read_home = by_number(loaders.homes, types.home)


NODE_READERS: dict[str, NodeReader] = {"Area": read_area, "Building": read_building, "Home": read_home}
