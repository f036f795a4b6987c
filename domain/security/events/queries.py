"""Reads of events: pages newest first, single ones, their pictures, and the log of what was stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.estate.focus import look_in
from domain.estate.newest import History, newest_of, newest_page, page_of, place_after
from domain.estate.visibility import in_scope, scope_as, visible_to
from domain.identity.policies import SEES_RESIDENTS
from domain.kernel.actor import Actor, Scope
from domain.kernel.log import LogReader
from domain.kernel.paging import LogCursor, Page
from domain.kernel.uow import AnyRow, Reader
from domain.security.devices.observation import EventKind
from domain.security.events.errors import RangeNeeded
from domain.security.events.models import Event, Picture

COLUMNS = (
    Event.id,
    Event.county_id,
    Event.town_id,
    Event.community_id,
    Event.compound_id,
    Event.at,
    Event.device_id,
    Event.home_id,
    Event.kind,
    Event.occurred_at,
    Event.received_at,
    Event.late,
    Event.clock_suspect,
    Event.attributes,
    Event.personal,
)
EVENTS = History(Event, Event.at, COLUMNS)
PICTURES = (
    Picture.compound_id,
    Picture.event_id,
    Picture.name,
    Picture.sha256,
    Picture.width,
    Picture.height,
    Picture.expires_at,
)
RECENT = timedelta(days=1)
KIND_RANGE = timedelta(days=7)
EventKey = tuple[int, datetime, int]
"""Compound id, ``at`` and id: the whole key, so that one partition is read."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; None = all. ``since`` is included, ``until`` is not."""

    area_id: int | None = None
    device_id: int | None = None
    kind: EventKind | None = None
    since: datetime | None = None
    until: datetime | None = None

    def criteria(self) -> list[ColumnElement[bool]]:
        """SQL of everything but the area."""
        tests: list[ColumnElement[bool]] = []
        if self.device_id is not None:
            tests.append(Event.device_id == self.device_id)
        if self.kind is not None:
            tests.append(Event.kind == str(self.kind))
        if self.since is not None:
            tests.append(Event.at >= self.since)
        if self.until is not None:
            tests.append(Event.at < self.until)
        return tests


def _is_wide(scope: Scope) -> bool:
    return bool(scope.counties or scope.towns or scope.communities or len(scope.compounds) > 1)


def _is_bounded(wanted: EventFilter, now: datetime) -> bool:
    return wanted.since is not None and (wanted.until or now) - wanted.since <= KIND_RANGE


async def event_page(
    reader: Reader, actor: Actor, wanted: EventFilter, *, first: int, after: str | None, now: datetime
) -> Page[AnyRow]:
    """Events the actor sees, newest first.

    Raises NotFound (area out of sight), BadCursor, RangeNeeded.
    """
    scope = await look_in(reader, actor, wanted.area_id)
    where = [visible_to(actor, Event), *wanted.criteria()]
    if wanted.device_id is not None:
        query = newest_of(EVENTS, (in_scope(scope, Event), *where), place_after(after), first + 1)
        return page_of(EVENTS, await reader.rows(query), first)
    if not _is_wide(scope):
        return await newest_page(reader, EVENTS, scope, where, first=first, after=after)
    if wanted.kind is not None and not _is_bounded(wanted, now):
        raise RangeNeeded(field="from", days=KIND_RANGE.days)
    if wanted.since is None:
        # Most pages of a wide area are full of the last day: two partitions instead of all of them.
        before = place_after(after)
        newest = min(now, before[0] if before else now, wanted.until or now)
        recent = replace(wanted, since=newest - RECENT)
        where_recent = [visible_to(actor, Event), *recent.criteria()]
        page = await newest_page(reader, EVENTS, scope, where_recent, first=first, after=after)
        if page.has_next:
            return page
    return await newest_page(reader, EVENTS, scope, where, first=first, after=after)


async def events_by_key(reader: Reader, actor: Actor, keys: Sequence[EventKey]) -> Sequence[AnyRow]:
    """The events among ``keys`` that the actor sees."""
    key = tuple_(Event.compound_id, Event.at, Event.id)
    return await reader.rows(select(*COLUMNS).where(key.in_(keys), visible_to(actor, Event)))


async def pictures_of(
    reader: Reader, actor: Actor, keys: Sequence[tuple[int, int]], now: datetime
) -> dict[tuple[int, int], list[AnyRow]]:
    """Pictures of the events ``keys`` (compound id, event id) that the actor may see and that have not expired."""
    rows = await reader.rows(
        select(*PICTURES)
        .where(tuple_(Picture.compound_id, Picture.event_id).in_(keys), _sees_pictures(actor), Picture.expires_at > now)
        .order_by(Picture.compound_id, Picture.event_id, Picture.ordinal)
    )
    found: dict[tuple[int, int], list[AnyRow]] = {}
    for row in rows:
        found.setdefault((row.compound_id, row.event_id), []).append(row)
    return found


async def sees_picture(reader: Reader, actor: Actor, *, compound_id: int, sha256: str, now: datetime) -> bool:
    """Whether a picture with this digest stands in the compound, has not expired, and the actor may see it."""
    found = await reader.row(
        select(Picture.event_id)
        .where(Picture.compound_id == compound_id, Picture.sha256 == sha256, Picture.expires_at > now)
        .where(_sees_pictures(actor))
        .limit(1)
    )
    return found is not None


def _sees_pictures(actor: Actor) -> ColumnElement[bool]:
    """Pictures show people: for those who are shown residents, where they serve."""
    return in_scope(replace(scope_as(actor, SEES_RESIDENTS), homes=()), Picture)


@dataclass(frozen=True, slots=True)
class EventStored:
    """One item of the log of events: the event's row, and where it stands in the log."""

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


def event_log(engine: AsyncEngine) -> LogReader[EventStored]:
    """The log of stored events; a system read under the scope that is asked for."""
    return LogReader(engine, Event, COLUMNS, where=lambda scope: in_scope(scope, Event), make=EventStored)
