"""Which times are free: the workers of a provider, their hours, and when they are busy in whatever compound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Executable, select, text

from domain.community.housekeeping.calendar import AHEAD, LEAD, Shift, Span, fits, free, nearest, starts
from domain.community.housekeeping.catalogue import terms_of
from domain.community.housekeeping.errors import InvalidQuantity, InvalidTime
from domain.community.housekeeping.models import ShiftRow, Worker
from domain.community.housekeeping.rules import order
from domain.estate.models import Area
from domain.estate.queries import compound_place
from domain.kernel.uow import AnyRow, Reader, UnitOfWork

MOST_DAYS = 31
A_DAY = 48
"""As many as a day has half hours."""
MOST_SLOTS = MOST_DAYS * A_DAY
AROUND = timedelta(days=4)
ALTERNATIVES = 5
HALF_DAY = timedelta(hours=12)
_UTC = ZoneInfo("UTC")
_BUSY = text("select * from zhian_housekeeping_busy(:accounts, :since, :until)")


@dataclass(frozen=True, slots=True)
class Member:
    """A worker with the hours of the week. account_id: by which they are busy."""

    id: int
    account_id: int
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers of a provider, and the compound's zone."""

    members: tuple[Member, ...]
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Slot:
    """A free time, and the ids of the workers who have it."""

    span: Span
    workers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which free times: the ``first`` ones of ``days`` local days from that of ``since`` (today when None), as long as
    what is ordered takes, of one worker when given."""

    since: datetime | None = None
    days: int = 1
    first: int = A_DAY
    minutes: int | None = None
    square_metres: int | None = None
    worker_id: int | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """Free times that are asked for, whole: ``minutes`` with a provider (None: of a service nobody offers any more)."""

    compound_id: int
    provider_id: int | None
    minutes: int
    since: datetime
    days: int
    first: int
    worker_id: int | None


Busy = dict[int, list[Span]]
"""Times by account."""


async def _rows(source: Reader | UnitOfWork, statement: Executable, **parameters: Any) -> Sequence[AnyRow]:
    if isinstance(source, Reader):
        return await source.rows(statement, parameters)
    return (await source.session.execute(statement, parameters)).all()


async def members_of(source: Reader | UnitOfWork, provider_id: int, worker_id: int | None = None) -> tuple[Member, ...]:
    """Who works for the provider now, all or the one asked for, as far as the transaction sees them."""
    found = (await staff_of(source, [provider_id]))[provider_id]
    return found if worker_id is None else tuple(member for member in found if member.id == worker_id)


async def staff_of(source: Reader | UnitOfWork, provider_ids: Sequence[int]) -> dict[int, tuple[Member, ...]]:
    """Who works for each of the providers now, in order of id, as far as the transaction sees them."""
    query = select(Worker.id, Worker.worker_account_id, Worker.provider_id).where(
        Worker.provider_id.in_(provider_ids), Worker.retired_at.is_(None)
    )
    rows = await _rows(source, query.order_by(Worker.id))
    weekly = select(ShiftRow.worker_id, ShiftRow.weekday, ShiftRow.opens, ShiftRow.closes)
    shifts: dict[int, list[Shift]] = {row.id: [] for row in rows}
    for each in await _rows(source, weekly.where(ShiftRow.worker_id.in_(list(shifts)))):
        shifts[each.worker_id].append(Shift(each.weekday, each.opens, each.closes))
    found: dict[int, list[Member]] = {provider_id: [] for provider_id in provider_ids}
    for row in rows:
        found[row.provider_id].append(Member(row.id, row.worker_account_id, tuple(shifts[row.id])))
    return {provider_id: tuple(members) for provider_id, members in found.items()}


async def busy(source: Reader | UnitOfWork, members: Iterable[Member], since: datetime, until: datetime) -> Busy:
    """When the members are booked or absent between two instants."""
    found: Busy = {member.account_id: [] for member in members}
    rows = await _rows(source, _BUSY, accounts=list(found), since=since, until=until) if found else ()
    for row in rows:
        found[row.worker_account_id].append(Span(row.starts_at, row.ends_at))
    return found


async def free_slots(
    source: Reader | UnitOfWork, crew: Crew, *, minutes: int, now: datetime, first: date, days: int, most: int | None
) -> list[Slot]:
    """Free times of ``minutes`` on ``days`` local days from ``first`` on, in order, each with who has it; the first
    ``most`` of them, or all."""
    taken = await busy(source, crew.members, *_window(first, days, crew.zone))
    return _free(crew, taken, minutes=minutes, now=now, first=first, days=days, most=most)


def _window(first: date, days: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    since = datetime.combine(first, datetime.min.time(), zone)
    return since, since + timedelta(days=days + 1)


def _free(
    crew: Crew, taken: Busy, *, minutes: int, now: datetime, first: date, days: int, most: int | None
) -> list[Slot]:
    """The free times of all members, reckoned no further than is asked for: this is work of this process."""

    def times(member: Member) -> Iterator[tuple[datetime, Span, int]]:
        spans = starts(member.shifts, crew.zone, first, days, minutes=minutes)
        for span in free(spans, taken[member.account_id], earliest=now + LEAD, latest=now + AHEAD):
            yield span.starts_at, span, member.id

    by_time = groupby(merge(*map(times, crew.members), key=itemgetter(0)), key=itemgetter(1))
    return [Slot(span, tuple(member for _, _, member in who)) for span, who in islice(by_time, most)]


def wish(service: Any, asked: Asked, *, now: datetime) -> Wish:
    """What ``asked`` means for ``service``, a price list row. Raises InvalidQuantity, InvalidTime."""
    since = now if asked.since is None else asked.since
    for field, value, most in (("days", asked.days, MOST_DAYS), ("first", asked.first, MOST_SLOTS)):
        if not 1 <= value <= most:
            raise InvalidQuantity(field=field, least=1, most=most)
    if not now - timedelta(days=1) <= since <= now + AHEAD:
        raise InvalidTime(field="from")
    minutes = order(terms_of(service), minutes=asked.minutes, square_metres=asked.square_metres).minutes
    provider_id = None if service.retired_at is not None else service.provider_id
    return Wish(service.compound_id, provider_id, minutes, since, asked.days, asked.first, asked.worker_id)


async def offered(reader: Reader, wishes: Sequence[Wish], *, now: datetime) -> dict[Wish, list[Slot]]:
    """Free times for each of ``wishes``, of however many services: three statements, and one for each span of days."""
    places = select(Area.id, Area.timezone).where(Area.id.in_(sorted({each.compound_id for each in wishes})))
    zones = {row.id: ZoneInfo(row.timezone) for row in await reader.rows(places)}
    staff = await staff_of(reader, sorted({each.provider_id for each in wishes if each.provider_id is not None}))
    spans: dict[tuple[date, int, ZoneInfo], list[tuple[Wish, Crew]]] = {}
    for each in wishes:
        zone = zones.get(each.compound_id, _UTC)
        members = staff.get(each.provider_id, ()) if each.provider_id is not None else ()
        crew = Crew(tuple(m for m in members if each.worker_id in (None, m.id)), zone)
        spans.setdefault((each.since.astimezone(zone).date(), each.days, zone), []).append((each, crew))
    found = {}
    for (first, days, zone), asked in spans.items():
        everybody = {member for _, crew in asked for member in crew.members}
        taken = await busy(reader, everybody, *_window(first, days, zone))
        for each, crew in asked:
            found[each] = _free(crew, taken, minutes=each.minutes, now=now, first=first, days=days, most=each.first)
    return found


async def alternatives(reader: Reader, service: Any, asked: Asked, *, wanted: datetime, now: datetime) -> list[Slot]:
    """The free times of ``service`` nearest to the one that is taken, some days before and after it."""
    crew, minutes = await _crew(reader, service, asked)
    first = max(wanted - AROUND, now).astimezone(crew.zone).date()
    found = await free_slots(reader, crew, minutes=minutes, now=now, first=first, days=2 * AROUND.days + 1, most=None)
    near = set(nearest((slot.span for slot in found), wanted, ALTERNATIVES))
    return [slot for slot in found if slot.span in near]


async def _crew(reader: Reader, service: Any, asked: Asked) -> tuple[Crew, int]:
    """Who could do it, and how long it takes. Raises InvalidQuantity."""
    minutes = order(terms_of(service), minutes=asked.minutes, square_metres=asked.square_metres).minutes
    place = await compound_place(reader, service.compound_id)
    zone = ZoneInfo(place.timezone if place is not None else "UTC")
    members = await members_of(reader, service.provider_id, asked.worker_id) if service.retired_at is None else ()
    return Crew(members, zone), minutes


def able(crew: Crew, span: Span, taken: Busy) -> list[Member]:
    """The members in whose hours ``span`` lies: those who seem free before those who do not, who has least to do within
    half a day before the others. ``taken``: when they are busy in that time."""
    day = Span(span.starts_at - HALF_DAY, span.ends_at + HALF_DAY)

    def rank(member: Member) -> tuple[bool, int, int]:
        spans = taken.get(member.account_id, ())
        return any(span.meets(each) for each in spans), sum(day.meets(each) for each in spans), member.id

    return sorted((member for member in crew.members if fits(span, member.shifts, crew.zone)), key=rank)
