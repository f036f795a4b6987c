"""GraphQL types of applications: one of them, its steps, and how many there are and how long they take."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import strawberry

from api.community.applications import loaders
from api.context import Info
from api.estate.types import Area, Home, area_of, home_of
from api.nodes import Node, global_id
from domain.community.applications.queries import Counted
from domain.community.applications.rules import Kind, Progress
from domain.kernel.uow import AnyRow

SUBJECTS = {Kind.REPAIR: "RepairRequest", Kind.HOUSEKEEPING: "HousekeepingBooking"}
"""The node type behind an application of each kind."""

strawberry.enum(Kind, name="ApplicationKind", description="What is asked for. 申请类型。")
strawberry.enum(Progress, name="ApplicationState", description="How far an application is. 申请进度。")


@strawberry.type(description="One step of an application. 申请进展。")
class ApplicationStep:
    """``note``: what the home was told with it, "" when nothing."""

    state: Progress
    note: str
    at: datetime


@strawberry.type(description="Something a home asked for: a repair, a cleaning. 住户申请。")
class Application(Node):
    """``subject``: the id of the request or booking itself, for ``node(id)``."""

    kind: Kind
    state: Progress
    title: str
    subject: strawberry.ID
    submitted_at: datetime
    accepted_at: datetime | None
    closed_at: datetime | None
    row: strawberry.Private[Any]

    @strawberry.field(description="What has happened, oldest first. 进展记录（按时间顺序）。")
    async def steps(self, info: Info) -> list[ApplicationStep]:
        rows = await info.context.loaders.one(loaders.steps, self.row.id)
        return [ApplicationStep(state=Progress(row.state), note=row.note, at=row.at) for row in rows or ()]

    @strawberry.field(description="The home that asked, if visible. 申请住户（如可见）。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)

    @strawberry.field(description="The compound it is in. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


@strawberry.type(description="How many applications there are, and how long they take. 申请统计。")
class ApplicationCount:
    """Of those submitted in the span: how many came how far, and seconds from submission, null where none came there.

    ``kind``: null for all together.
    """

    kind: Kind | None
    submitted: int
    accepted: int
    handled: int
    cancelled: int
    rejected: int
    open: int
    accept_median_seconds: int | None
    accept_p90_seconds: int | None
    handle_median_seconds: int | None
    handle_p90_seconds: int | None


@strawberry.type(description="Statistics of applications: together and by kind. 申请统计（合计与分类）。")
class ApplicationStatistics:
    """``total``: all kinds together. ``by_kind``: the kinds of which there were any."""

    total: ApplicationCount
    by_kind: list[ApplicationCount]


def application(row: AnyRow, application_id: int | None = None) -> Application:
    """The GraphQL object of an application's row, or of a row of its log, which names it by ``application_id``."""
    kind = Kind(row.kind)
    return Application(
        id=global_id("Application", row.id if application_id is None else application_id),
        kind=kind,
        state=Progress(row.state),
        title=row.title,
        subject=global_id(SUBJECTS[kind], row.subject_id),
        submitted_at=row.submitted_at,
        accepted_at=row.accepted_at,
        closed_at=row.closed_at,
        row=row,
    )


def count(counted: Counted) -> ApplicationCount:
    """The GraphQL object of one line of numbers."""
    return ApplicationCount(
        kind=counted.kind,
        submitted=counted.submitted,
        accepted=counted.accepted,
        handled=counted.handled,
        cancelled=counted.cancelled,
        rejected=counted.rejected,
        open=counted.open,
        accept_median_seconds=_seconds(counted.accept_median),
        accept_p90_seconds=_seconds(counted.accept_p90),
        handle_median_seconds=_seconds(counted.handle_median),
        handle_p90_seconds=_seconds(counted.handle_p90),
    )


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds())
