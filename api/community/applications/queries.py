"""Root queries and node reader of applications."""

from __future__ import annotations

import strawberry

from api.community.applications import loaders, types
from api.context import Info
from api.nodes import NodeReader, by_number, optional_id
from api.paging import Connection, connection
from api.scalars import Since, Until
from domain.community.applications import queries
from domain.community.applications.queries import ApplicationFilter
from domain.community.applications.rules import Kind, Progress
from domain.kernel.paging import page_size


@strawberry.type
class ApplicationQuery:
    """Root queries of applications."""

    @strawberry.field(description="Applications, newest first. 申请（最新在前）。")
    async def applications(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        kind: Kind | None = None,
        state: Progress | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Application]:
        context = info.context
        wanted = ApplicationFilter(optional_id(area, "Area", field="area"), kind, state)
        page = await queries.application_page(context.read, context.actor, wanted, first=page_size(first), after=after)
        return connection(page, types.application)

    @strawberry.field(description="Numbers of the applications submitted in a span, where one serves. 申请统计。")
    async def application_statistics(
        self, info: Info, area: strawberry.ID | None = None, since: Since = None, until: Until = None
    ) -> types.ApplicationStatistics:
        read, actor = info.context.read, info.context.actor
        where = optional_id(area, "Area", field="area")
        total, *kinds = await queries.statistics(read, actor, area_id=where, since=since, until=until)
        return types.ApplicationStatistics(total=types.count(total), by_kind=[types.count(each) for each in kinds])


read_application = by_number(loaders.applications, types.application)


NODE_READERS: dict[str, NodeReader] = {"Application": read_application}
