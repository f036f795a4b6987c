"""Reads of applications: pages newest first, single ones with their steps, the log, and how long they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.community.applications.models import Application, ApplicationChange
from domain.community.applications.policies import counting_scope, visible
from domain.community.applications.rules import Kind, Progress
from domain.estate.focus import look_in
from domain.estate.newest import History, newest_page
from domain.estate.visibility import in_scope
from domain.kernel.actor import Actor, Scope
from domain.kernel.errors import NotFound
from domain.kernel.log import LogReader
from domain.kernel.paging import LogCursor, Page
from domain.kernel.uow import AnyRow, Reader

COLUMNS = (
    Application.id,
    Application.compound_id,
    Application.home_id,
    Application.account_id,
    Application.kind,
    Application.subject_id,
    Application.title,
    Application.state,
    Application.submitted_at,
    Application.updated_at,
    Application.accepted_at,
    Application.closed_at,
)
STEPS = (
    ApplicationChange.id,
    ApplicationChange.application_id,
    ApplicationChange.state,
    ApplicationChange.note,
    ApplicationChange.at,
)
APPLICATIONS = History(Application, Application.submitted_at, COLUMNS)


@dataclass(frozen=True, slots=True)
class ApplicationFilter:
    """Which applications; None = all."""

    area_id: int | None = None
    kind: Kind | None = None
    state: Progress | None = None

    def criteria(self) -> list[ColumnElement[bool]]:
        """SQL of everything but the area."""
        tests: list[ColumnElement[bool]] = []
        if self.kind is not None:
            tests.append(Application.kind == str(self.kind))
        if self.state is not None:
            tests.append(Application.state == str(self.state))
        return tests


@dataclass(frozen=True, slots=True)
class Changed:
    """One item of the log: where it stands in the log and in the estate, and the application as it was then."""

    cursor: LogCursor
    row: AnyRow

    @property
    def county_id(self) -> int:
        return int(self.row.county_id)

    @property
    def town_id(self) -> int:
        return int(self.row.town_id)

    @property
    def community_id(self) -> int:
        return int(self.row.community_id)

    @property
    def compound_id(self) -> int:
        return int(self.row.compound_id)

    @property
    def home_id(self) -> int:
        return int(self.row.home_id)

    @property
    def over_at(self) -> datetime:
        """When it was asked for: who moves into the home later is not told of it."""
        asked: datetime = self.row.submitted_at
        return asked


@dataclass(frozen=True, slots=True)
class Counted:
    """Of the applications submitted in a span: how many there are of each fate, and how long they took.

    kind: None for all of them. open: neither handled nor otherwise at an end. The times are from submission to the
    first acceptance and to the handling, of those that came so far; None where none did.
    """

    kind: Kind | None
    submitted: int
    accepted: int
    handled: int
    cancelled: int
    rejected: int
    open: int
    accept_median: timedelta | None
    accept_p90: timedelta | None
    handle_median: timedelta | None
    handle_p90: timedelta | None


async def application_page(
    reader: Reader, actor: Actor, wanted: ApplicationFilter, *, first: int, after: str | None
) -> Page[AnyRow]:
    """Applications the actor sees, newest first. Raises NotFound (area out of sight), BadCursor."""
    scope = await look_in(reader, actor, wanted.area_id)
    where = (visible(actor, Application), *wanted.criteria())
    return await newest_page(reader, APPLICATIONS, scope, where, first=first, after=after)


async def applications_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The applications among ``ids`` that the actor sees."""
    return await reader.rows(select(*COLUMNS).where(Application.id.in_(ids), visible(actor, Application)))


async def steps_by_application(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """What happened to the applications ``ids`` that the actor sees, oldest first."""
    rows = await reader.rows(
        select(*STEPS)
        .where(ApplicationChange.application_id.in_(ids), visible(actor, ApplicationChange))
        .order_by(ApplicationChange.application_id, ApplicationChange.id)
    )
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(row.application_id, []).append(row)
    return found


async def statistics(
    reader: Reader, actor: Actor, *, area_id: int | None, since: datetime | None, until: datetime | None
) -> list[Counted]:
    """Numbers of the applications submitted in [since, until): all kinds together first, then each kind there is.

    Raises NotFound: an area the actor does not serve.
    """
    scope = await _served(reader, actor, area_id)
    query = _counts().where(in_scope(scope, Application))
    if since is not None:
        query = query.where(Application.submitted_at >= since)
    if until is not None:
        query = query.where(Application.submitted_at < until)
    rows = await reader.rows(query.group_by(func.rollup(Application.kind)))
    return sorted(map(_counted, rows), key=lambda counted: str(counted.kind or ""))


async def _served(reader: Reader, actor: Actor, area_id: int | None) -> Scope:
    scope = await look_in(reader, actor, area_id, counting_scope(actor))
    if not (scope.counties or scope.towns or scope.communities or scope.compounds):
        raise NotFound(field="area")
    return scope


def _counts() -> Select[Any]:
    state = Application.state
    accept = Application.accepted_at - Application.submitted_at
    handle = Application.closed_at - Application.submitted_at
    handled = state == str(Progress.HANDLED)

    def many(test: ColumnElement[bool], name: str) -> Any:
        return func.count().filter(test).label(name)

    def share(part: float, of: Any, test: ColumnElement[bool], name: str) -> Any:
        return func.percentile_cont(part).within_group(of).filter(test).label(name)

    accepted = Application.accepted_at.is_not(None)
    return select(
        Application.kind,
        func.count().label("submitted"),
        many(accepted, "accepted"),
        many(handled, "handled"),
        many(state == str(Progress.CANCELLED), "cancelled"),
        many(state == str(Progress.REJECTED), "rejected"),
        many(Application.closed_at.is_(None), "open"),
        share(0.5, accept, accepted, "accept_median"),
        share(0.9, accept, accepted, "accept_p90"),
        share(0.5, handle, handled, "handle_median"),
        share(0.9, handle, handled, "handle_p90"),
    )


def _counted(row: AnyRow) -> Counted:
    kind = None if row.kind is None else Kind(row.kind)
    return Counted(kind, *row[1:])


def change_log(engine: AsyncEngine) -> LogReader[Changed]:
    """The log of steps of applications; a system read under the scope that is asked for."""
    columns = [column for column in ApplicationChange.__table__.c if column.name not in ("xid", "id")]
    return LogReader(
        engine, ApplicationChange, columns, where=lambda scope: in_scope(scope, ApplicationChange), make=Changed
    )
