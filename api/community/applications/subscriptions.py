"""The live feed of applications, replayed from a cursor without gap or repeat."""

from __future__ import annotations

from collections.abc import AsyncIterable
from datetime import datetime

import strawberry

from api.community.applications import types
from api.context import Info
from api.nodes import optional_id
from api.security.sharing import rights_of
from domain.community.applications.policies import shows
from domain.community.applications.queries import Changed
from domain.community.applications.rules import Progress
from domain.community.applications.service import TOPIC
from domain.estate.focus import follow_in
from domain.kernel.paging import LogCursor


@strawberry.type(description="One step of an application, with the application as it was then. 申请动态。")
class RequestFeedItem:
    """Ask again with ``after: cursor`` to go on behind it."""

    cursor: str
    state: Progress
    note: str
    at: datetime
    application: types.Application


def present(item: Changed) -> RequestFeedItem:
    """The GraphQL object of a step; everything in it comes from the log."""
    row = item.row
    asked = types.application(row, row.application_id)
    return RequestFeedItem(
        cursor=item.cursor.encode(), state=Progress(row.state), note=row.note, at=row.at, application=asked
    )


@strawberry.type
class ApplicationSubscription:
    """Root subscription of applications."""

    @strawberry.subscription(
        description="Steps of applications: of one's own homes, or where one's office serves. 申请动态。"
    )
    async def my_requests(
        self, info: Info, area: strawberry.ID | None = None, after: str | None = None
    ) -> AsyncIterable[RequestFeedItem]:
        context = info.context
        start = None if after is None else LogCursor.decode(after)
        scope = await follow_in(context.read, context.actor, optional_id(area, "Area", field="area"))
        return context.services.feeds.feed(
            TOPIC,
            scope=scope,
            admit=lambda item: shows(context.actor, item),
            present=present,
            key=(rights_of(context.actor), context.language),
            after=start,
        )
