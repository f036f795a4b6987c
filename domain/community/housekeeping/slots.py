"""Which times are free: the workers of a provider, their hours, and when they are busy in whatever compound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Executable, select, text

from domain.community.housekeeping.calendar import AHEAD, LEAD, Shift, Span, fits, free, nearest, starts
from domain.community.housekeeping.catalogue import terms_of
from domain.community.housekeeping.errors import InvalidQuantity, InvalidTime
from domain.community.housekeeping.models import ShiftRow, Worker
from domain.community.housekeeping.rules import order
from domain.estate.queries import compound_place
from domain.kernel.uow import AnyRow, Reader, UnitOfWork

MOST_DAYS = 31
AROUND = timedelta(days=4)
ALTERNATIVES = 5
HALF_DAY = timedelta(hours=12)
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
    """Which free times: ``days`` local days from that of ``since`` (today when None), as long as what is ordered takes,
    of one worker when given."""

    since: datetime | None = None
    days: int = 1
    minutes: int | None = None
    square_metres: int | None = None
    worker_id: int | None = None


Busy = dict[int, list[Span]]
"""Times by account."""


async def _rows(source: Reader | UnitOfWork, statement: Executable, **parameters: Any) -> Sequence[AnyRow]:
    if isinstance(source, Reader):
        return await source.rows(statement, parameters)
    return (await source.session.execute(statement, parameters)).all()


async def members_of(source: Reader | UnitOfWork, provider_id: int, worker_id: int | None = None) -> tuple[Member, ...]:
    """Who works for the provider now, all or the one asked for, as far as the transaction sees them."""
    query = select(Worker.id, Worker.worker_account_id).where(
        Worker.provider_id == provider_id, Worker.retired_at.is_(None)
    )
    if worker_id is not None:
        query = query.where(Worker.id == worker_id)
    rows = await _rows(source, query.order_by(Worker.id))
    weekly = select(ShiftRow.worker_id, ShiftRow.weekday, ShiftRow.opens, ShiftRow.closes)
    shifts = await _rows(source, weekly.where(ShiftRow.worker_id.in_([row.id for row in rows])))
    return tuple(
        Member(
            row.id,
            row.worker_account_id,
            tuple(Shift(each.weekday, each.opens, each.closes) for each in shifts if each.worker_id == row.id),
        )
        for row in rows
    )


async def busy(source: Reader | UnitOfWork, members: Iterable[Member], since: datetime, until: datetime) -> Busy:
    """When the members are booked or absent between two instants."""
    found: Busy = {member.account_id: [] for member in members}
    rows = await _rows(source, _BUSY, accounts=list(found), since=since, until=until)
    for row in rows:
        found[row.worker_account_id].append(Span(row.starts_at, row.ends_at))
    return found


async def free_slots(
    source: Reader | UnitOfWork, crew: Crew, *, minutes: int, now: datetime, first: date, days: int
) -> list[Slot]:
    """Free times of ``minutes`` on ``days`` local days from ``first`` on, in order, each with who has it."""
    since = datetime.combine(first, datetime.min.time(), crew.zone)
    taken = await busy(source, crew.members, since, since + timedelta(days=days + 1))
    found: dict[Span, list[int]] = {}
    for member in crew.members:
        spans = starts(member.shifts, crew.zone, first, days, minutes=minutes)
        for span in free(spans, taken[member.account_id], earliest=now + LEAD, latest=now + AHEAD):
            found.setdefault(span, []).append(member.id)
    return [Slot(span, tuple(found[span])) for span in sorted(found, key=lambda each: each.starts_at)]


async def offered(reader: Reader, service: Any, asked: Asked, *, now: datetime) -> list[Slot]:
    """Free times of ``service``, a price list row. Raises InvalidQuantity, InvalidTime."""
    since = now if asked.since is None else asked.since
    if not 1 <= asked.days <= MOST_DAYS:
        raise InvalidQuantity(field="days", least=1, most=MOST_DAYS)
    if not now - timedelta(days=1) <= since <= now + AHEAD:
        raise InvalidTime(field="from")
    crew, minutes = await _crew(reader, service, asked)
    first = since.astimezone(crew.zone).date()
    return await free_slots(reader, crew, minutes=minutes, now=now, first=first, days=asked.days)


async def alternatives(reader: Reader, service: Any, asked: Asked, *, wanted: datetime, now: datetime) -> list[Slot]:
    """The free times of ``service`` nearest to the one that is taken, some days before and after it."""
    crew, minutes = await _crew(reader, service, asked)
    first = max(wanted - AROUND, now).astimezone(crew.zone).date()
    found = await free_slots(reader, crew, minutes=minutes, now=now, first=first, days=2 * AROUND.days + 1)
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
