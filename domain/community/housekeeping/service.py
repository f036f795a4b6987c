"""Booking: a time of a worker for a home, once or as a series; of two who want one time, one gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from domain.community.applications.service import Kind, Progress, progress, submit
from domain.community.housekeeping import slots
from domain.community.housekeeping.calendar import Every, Span, bookable, occurrences
from domain.community.housekeeping.catalogue import areas_of, terms_of
from domain.community.housekeeping.errors import OutsideHours, SlotTaken
from domain.community.housekeeping.models import Booking, Provider, Series, Service, Worker
from domain.community.housekeeping.policies import may_book
from domain.community.housekeeping.rules import Order, Terms, Unit, free_until, order
from domain.community.housekeeping.slots import Crew, Member
from domain.community.housekeeping.staff import hold
from domain.community.housekeeping.telling import News, tell_workers
from domain.community.payments.charges import ChargeKind, NewCharge, open_charges
from domain.estate.models import Area, Building, Home
from domain.identity.policies import place_of
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import AnyRow, UnitOfWork

MOST_NOTE = 200
SOON_DAYS = 14
SOON_TRIES = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a home wants. worker_id: whoever is free when None; starts_at: as soon as possible when None.

    minutes, square_metres: as the service's unit asks; its least when None. every, times: a series. skip_taken: book
    what is free of a series instead of nothing.
    """

    home_id: int
    service_id: int
    worker_id: int | None = None
    starts_at: datetime | None = None
    minutes: int | None = None
    square_metres: int | None = None
    note: str = ""
    every: Every | None = None
    times: int = 1
    skip_taken: bool = False


@dataclass(frozen=True, slots=True)
class Booked:
    """What came of it: ids of bookings in order of time, and the times of a series that were left out."""

    booking_ids: tuple[int, ...]
    skipped: tuple[datetime, ...] = ()


@dataclass(slots=True)
class _Desk:
    """Everything that a booking is made of."""

    home: AnyRow
    service: Any
    terms: Terms
    order: Order
    crew: Crew
    taken: slots.Busy = field(default_factory=dict)

    def span(self, starts_at: datetime) -> Span:
        return Span(starts_at, starts_at + timedelta(minutes=self.order.minutes))


async def book(uow: UnitOfWork, *, wanted: Wanted) -> Booked:
    """Book a time, or a series of times, for a home.

    Raises NotFound (home, service or worker out of sight), Forbidden, InvalidQuantity, InvalidTime, InvalidText,
    InvalidRecurrence, OutsideHours, SlotTaken: then nothing is booked.
    """
    note = words(wanted.note, field="note", most=MOST_NOTE, lines=True)
    desk = await _desk(uow, wanted)
    if wanted.starts_at is None:
        tries = await _soon(uow, desk)
    else:
        tries = [bookable(wanted.starts_at, uow.now)]
        if not slots.able(desk.crew, desk.span(tries[0]), {}):
            raise OutsideHours(field="startsAt")
    for starts_at in tries:
        times = occurrences(starts_at, wanted.every, wanted.times, desk.crew.zone)
        held, missed = await _hold(uow, desk, times)
        if held and (not missed or wanted.skip_taken):
            ids = await _write(uow, desk, held, note, await _series(uow, desk, wanted.every))
            await _still_there(uow, held)
            return Booked(ids, tuple(missed))
        if wanted.starts_at is not None or wanted.every is not None:
            raise SlotTaken(missed)
    raise SlotTaken(tries[:1])


async def _soon(uow: UnitOfWork, desk: _Desk) -> list[datetime]:
    """The next free times."""
    first = uow.now.astimezone(desk.crew.zone).date()
    found = await slots.free_slots(
        uow, desk.crew, minutes=desk.order.minutes, now=uow.now, first=first, days=SOON_DAYS, most=SOON_TRIES
    )
    return [slot.span.starts_at for slot in found]


async def _desk(uow: UnitOfWork, wanted: Wanted) -> _Desk:
    home = await _home(uow, wanted.home_id)
    if not may_book(uow.actor, wanted.home_id, place_of(home)):
        raise Forbidden
    found = await uow.session.execute(
        select(Service)
        .join(Provider, Provider.id == Service.provider_id)
        .where(Service.id == wanted.service_id, Service.compound_id == home.compound_id)
        .where(Service.retired_at.is_(None), Provider.retired_at.is_(None))
    )
    service = found.scalar_one_or_none()
    if service is None:
        raise NotFound(field="service")
    terms = terms_of(service)
    ordered = order(terms, minutes=wanted.minutes, square_metres=wanted.square_metres)
    members = await slots.members_of(uow, service.provider_id, wanted.worker_id)
    if wanted.worker_id is not None and not members:
        raise NotFound(field="worker")
    return _Desk(home, service, terms, ordered, Crew(members, ZoneInfo(home.timezone)))


async def _home(uow: UnitOfWork, home_id: int) -> AnyRow:
    """The home with its address and zone. Raises NotFound."""
    found = await uow.session.execute(
        select(Home.id, Home.county_id, Home.town_id, Home.community_id, Home.compound_id)
        .add_columns(Home.unit, Home.door, Building.name.label("building"), Area.timezone)
        .join(Building, Building.id == Home.building_id)
        .join(Area, Area.id == Home.compound_id)
        .where(Home.id == home_id)
    )
    home = found.first()
    if home is None:
        raise NotFound(field="home")
    return home


async def _hold(
    uow: UnitOfWork, desk: _Desk, times: Sequence[datetime]
) -> tuple[list[tuple[Span, Member, int]], list[datetime]]:
    """The times that could be made the home's, with worker and hold; and those that could not."""
    spans = [desk.span(each) for each in times]
    around = (spans[0].starts_at - slots.HALF_DAY, spans[-1].ends_at + slots.HALF_DAY)
    taken = await slots.busy(uow, desk.crew.members, *around)
    held, missed = [], []
    for span in spans:  # in order of time: two series wait for each other in one direction only
        got = await _one(uow, desk, span, taken)
        if got is None:
            missed.append(span.starts_at)
        else:
            held.append((span, *got))
    return held, missed


async def _one(uow: UnitOfWork, desk: _Desk, span: Span, taken: slots.Busy) -> tuple[Member, int] | None:
    for member in slots.able(desk.crew, span, taken):
        hold_id = await hold(uow, desk.home, member.account_id, span, home_id=desk.home.id)
        if hold_id is not None:
            taken.setdefault(member.account_id, []).append(span)
            return member, hold_id
    return None


async def _series(uow: UnitOfWork, desk: _Desk, every: Every | None) -> int | None:
    if every is None:
        return None
    row = areas_of(desk.home) | {
        "home_id": desk.home.id,
        "account_id": uow.actor.account_id,
        "service_id": desk.service.id,
        "every": str(every),
        "created_at": uow.now,
    }
    made: int = (await uow.session.execute(insert(Series).values(row).returning(Series.id))).scalar_one()
    return made


async def _write(
    uow: UnitOfWork, desk: _Desk, held: Sequence[tuple[Span, Member, int]], note: str, series_id: int | None
) -> tuple[int, ...]:
    """The bookings, each with its charge (an hourly one is charged when it is done) and its application."""
    numbers = select(func.nextval(func.pg_get_serial_sequence("housekeeping_booking", "id"))).select_from(
        func.generate_series(1, len(held))
    )
    ids = (await uow.session.execute(numbers)).scalars().all()
    home, when = desk.home, [span.starts_at.astimezone(desk.crew.zone) for span, _, _ in held]
    titles = [f"{desk.service.name} {local:%Y-%m-%d %H:%M}" for local in when]
    new = [
        NewCharge(home.id, ChargeKind.BOOKING, booking_id, desk.order.price_fen, title, local.date())
        for booking_id, title, local in zip(ids, titles, when, strict=True)
    ]
    charges = await open_charges(uow, [] if desk.terms.unit is Unit.HOUR else new)
    rows = []
    for n, (booking_id, (span, member, hold_id)) in enumerate(zip(ids, held, strict=True)):
        row = _row(uow, desk, span, note) | {"id": booking_id, "series_id": series_id, "hold_id": hold_id}
        row |= {"worker_id": member.id, "worker_account_id": member.account_id}
        row["charge_id"] = charges[n] if charges else None
        row["application_id"] = await _apply(uow, home.id, booking_id, titles[n])
        rows.append(row)
        said = {"service": desk.service.id, "worker": member.id}
        uow.record("housekeeping.booked", "HousekeepingBooking", booking_id, where=home, homes=(home.id,), details=said)
    await uow.session.execute(insert(Booking), rows)
    given = [(member.account_id, booking_id) for booking_id, (_, member, _) in zip(ids, held, strict=True)]
    tell_workers(uow, home.compound_id, News.GIVEN, given)
    return tuple(ids)


def _row(uow: UnitOfWork, desk: _Desk, span: Span, note: str) -> dict[str, Any]:
    home = desk.home
    return areas_of(home) | {
        "home_id": home.id,
        "account_id": uow.actor.account_id,
        "service_id": desk.service.id,
        "starts_at": span.starts_at,
        "ends_at": span.ends_at,
        "quantity": desk.order.quantity,
        "address": f"{home.building} {home.unit}-{home.door}",
        "note": note,
        "price_fen": desk.order.price_fen,
        "free_until": free_until(desk.terms, span.starts_at),
        "created_at": uow.now,
    }


async def _apply(uow: UnitOfWork, home_id: int, booking_id: int, title: str) -> int:
    """Count it among the home's applications; a worker has it at once."""
    made = await submit(uow, kind=Kind.HOUSEKEEPING, subject_id=booking_id, home_id=home_id, title=title)
    await progress(uow, application_id=made, state=Progress.ACCEPTED)
    return made


async def _still_there(uow: UnitOfWork, held: Sequence[tuple[Span, Member, int]]) -> None:
    """Whoever retired a worker waited for this booking or was before it; then it is noticed here. Raises SlotTaken."""
    gone = select(Worker.id).where(Worker.id.in_({member.id for _, member, _ in held}), Worker.retired_at.is_not(None))
    if await uow.session.scalar(gone.limit(1)) is not None:
        raise SlotTaken([span.starts_at for span, _, _ in held])
