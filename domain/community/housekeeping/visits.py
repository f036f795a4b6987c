"""Commands on bookings: cancel, reassign, check in and out, rate; and what follows after the commit."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from domain.community.applications.service import Progress, progress
from domain.community.housekeeping import slots
from domain.community.housekeeping.calendar import Span
from domain.community.housekeeping.catalogue import terms_of
from domain.community.housekeeping.errors import OutsideHours, SlotTaken, TooEarly, TooLate, WrongState
from domain.community.housekeeping.events import VisitDone, VisitRated
from domain.community.housekeeping.models import Booking, Hold, Series, Service, Worker
from domain.community.housekeeping.policies import does, may_book, may_keep, may_rate, verified_homes
from domain.community.housekeeping.queries import served
from domain.community.housekeeping.rules import CHECK_IN_BEFORE, State, Unit, fee, price, stars_of, worked
from domain.community.housekeeping.slots import Crew
from domain.community.housekeeping.staff import at_work, hold, release
from domain.community.housekeeping.telling import News, tell_workers
from domain.community.payments.charges import (
    ChargeKind,
    NewCharge,
    change_charge,
    open_charge,
    refund_charge,
    void_charge,
)
from domain.community.payments.errors import ChargeFrozen
from domain.estate.queries import compound_place
from domain.identity.policies import place_of
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MOST_REVIEW = 200
LATE = "家政逾期取消费"
REFUND = "家政预约取消"


async def _locked(uow: UnitOfWork, booking_id: int) -> Booking:
    """The booking, locked, which the actor sees. Raises NotFound."""
    seen = select(Booking).where(Booking.id == booking_id, served(uow.actor, Booking)).with_for_update()
    found = await uow.session.execute(seen.execution_options(populate_existing=True))
    booking = found.scalar_one_or_none()
    if booking is None:
        raise NotFound(field="id")
    return booking


async def _set(uow: UnitOfWork, booking: Booking, **values: Any) -> None:
    changed = update(Booking).where(Booking.id == booking.id).values(**values)
    await uow.session.execute(changed.execution_options(synchronize_session=False))


def _record(uow: UnitOfWork, action: str, booking: Booking, **details: int) -> None:
    homes = (booking.home_id,)
    uow.record(action, "HousekeepingBooking", booking.id, where=booking, homes=homes, details=details)


async def cancel(uow: UnitOfWork, *, booking_id: int) -> None:
    """Cancel a booking that has not begun: free in time or by the office, for a part of the price later.

    Raises NotFound, Forbidden, WrongState, TooLate, NotRefundable (a payment is under way).
    """
    booking = await _locked(uow, booking_id)
    if not may_book(uow.actor, booking.home_id, place_of(booking)):
        raise Forbidden
    if booking.state != State.BOOKED:
        raise WrongState(field="id")
    if uow.now > booking.starts_at and not may_keep(uow.actor, place_of(booking)):
        raise TooLate(field="id")
    await _cancel(uow, booking)
    tell_workers(uow, booking.compound_id, News.CANCELLED, [(booking.worker_account_id, booking.id)])


async def _cancel(uow: UnitOfWork, booking: Booking) -> None:
    service = (await uow.session.execute(select(Service).where(Service.id == booking.service_id))).scalar_one()
    by_home = booking.home_id in verified_homes(uow.actor)
    percent = service.late_percent if by_home else 0
    owed = fee(price_fen=booking.price_fen, late_percent=percent, now=uow.now, free_until=booking.free_until)
    charge_id = await _settle(uow, booking, service.name, owed)
    await release(uow, booking.hold_id)
    values = {"cancelled_at": uow.now, "by_office": not by_home, "fee_fen": owed, "charge_id": charge_id}
    await _set(uow, booking, state=str(State.CANCELLED), **values)
    await progress(uow, application_id=booking.application_id, state=Progress.CANCELLED)
    _record(uow, "housekeeping.cancelled", booking, fee_fen=owed)


async def _settle(uow: UnitOfWork, booking: Booking, name: str, owed: int) -> int | None:
    """What the home owes for a cancelled booking: changed while nobody pays it, given back when it is paid."""
    charge_id = booking.charge_id
    if charge_id is None:
        if not owed:
            return None
        new = NewCharge(booking.home_id, ChargeKind.BOOKING, booking.id, owed, f"{LATE} {name}")
        return await open_charge(uow, new)
    try:
        if owed:
            await change_charge(uow, charge_id=charge_id, amount_fen=owed)
        else:
            await void_charge(uow, charge_id=charge_id)
    except ChargeFrozen:
        if owed < booking.price_fen:
            await refund_charge(uow, charge_id=charge_id, amount_fen=booking.price_fen - owed, reason=REFUND)
    return charge_id


async def end_series(uow: UnitOfWork, *, series_id: int) -> None:
    """No more of a series: every booking that has not begun is cancelled, as each would be by itself.

    Raises NotFound, Forbidden, WrongState, NotRefundable.
    """
    seen = select(Series).where(Series.id == series_id, served(uow.actor, Series)).with_for_update()
    series = (await uow.session.execute(seen)).scalar_one_or_none()
    if series is None:
        raise NotFound(field="id")
    if not may_book(uow.actor, series.home_id, place_of(series)):
        raise Forbidden
    if series.ended_at is not None:
        raise WrongState(field="id")
    ended = update(Series).where(Series.id == series_id).values(ended_at=uow.now)
    await uow.session.execute(ended.execution_options(synchronize_session=False))
    left = select(Booking).where(Booking.series_id == series_id, Booking.state == str(State.BOOKED))
    left = left.where(Booking.starts_at >= uow.now)
    cancelled = (await uow.session.execute(left.order_by(Booking.id).with_for_update())).scalars().all()
    for booking in cancelled:
        await _cancel(uow, booking)
    told = [(each.worker_account_id, each.id) for each in sorted(cancelled, key=lambda each: each.starts_at)]
    tell_workers(uow, series.compound_id, News.CANCELLED, told)


async def reassign(uow: UnitOfWork, *, booking_id: int, worker_id: int) -> None:
    """Another worker of the same provider comes. By the office.

    Raises NotFound (booking or worker), Forbidden, WrongState, Retired, OutsideHours, SlotTaken.
    """
    booking = await _locked(uow, booking_id)
    if not may_keep(uow.actor, place_of(booking)):
        raise Forbidden
    worker = await at_work(uow, worker_id, field="worker")
    before = await uow.session.scalar(select(Worker.provider_id).where(Worker.id == booking.worker_id))
    if worker.compound_id != booking.compound_id or worker.provider_id != before:
        raise NotFound(field="worker")
    if booking.state != State.BOOKED:
        raise WrongState(field="id")
    if worker.id == booking.worker_id:
        return
    span = Span(booking.starts_at, booking.ends_at)
    place = await compound_place(uow, booking.compound_id)
    assert place is not None  # noqa: S101 - the booking stands in it
    crew = Crew(await slots.members_of(uow, worker.provider_id, worker.id), ZoneInfo(place.timezone))
    if not slots.able(crew, span, {}):
        raise OutsideHours(field="worker")
    hold_id = await hold(uow, booking, worker.worker_account_id, span, home_id=booking.home_id)
    if hold_id is None:
        raise SlotTaken([booking.starts_at])
    await release(uow, booking.hold_id)
    account, former = worker.worker_account_id, booking.worker_account_id
    await _set(uow, booking, worker_id=worker.id, worker_account_id=account, hold_id=hold_id)
    await at_work(uow, worker_id, field="worker")  # not retired meanwhile
    tell_workers(uow, booking.compound_id, News.GIVEN, [(account, booking.id)])
    tell_workers(uow, booking.compound_id, News.GIVEN_AWAY, [(former, booking.id)])
    _record(uow, "housekeeping.reassigned", booking, worker=worker.id)


async def check_in(uow: UnitOfWork, *, booking_id: int) -> None:
    """The worker is there. Raises NotFound, Forbidden, WrongState, TooEarly."""
    booking = await _locked(uow, booking_id)
    if not does(uow.actor, booking):
        raise Forbidden
    if booking.state != State.BOOKED:
        raise WrongState(field="id")
    if uow.now < booking.starts_at - CHECK_IN_BEFORE:
        raise TooEarly(field="id", minutes=int(CHECK_IN_BEFORE.total_seconds()) // 60)
    await _set(uow, booking, state=str(State.UNDER_WAY), checked_in_at=uow.now)
    await progress(uow, application_id=booking.application_id, state=Progress.IN_PROGRESS)
    _record(uow, "housekeeping.checked_in", booking)


async def check_out(uow: UnitOfWork, *, booking_id: int) -> None:
    """The work is done; the rest of the time is free again. By the worker, or by the office when they forgot to say so
    or work there no more. Raises NotFound, Forbidden, WrongState."""
    booking = await _locked(uow, booking_id)
    if not (does(uow.actor, booking) or may_keep(uow.actor, place_of(booking))):
        raise Forbidden
    if booking.state != State.UNDER_WAY:
        raise WrongState(field="id")
    values: dict[str, Any] = {"state": str(State.DONE), "checked_out_at": uow.now}
    service = (await uow.session.execute(select(Service).where(Service.id == booking.service_id))).scalar_one()
    terms = terms_of(service)
    if terms.unit is Unit.HOUR:
        assert booking.checked_in_at is not None  # noqa: S101 - a CHECK of the table
        minutes = worked(terms, booked=booking.quantity, began=booking.checked_in_at, ended=uow.now)
        values |= {"quantity": minutes, "price_fen": price(terms, minutes)}
        uow.emit(VisitDone(booking.id), compound_id=booking.compound_id)
    await _set(uow, booking, **values)
    await _free_rest(uow, booking)
    await progress(uow, application_id=booking.application_id, state=Progress.HANDLED)
    _record(uow, "housekeeping.checked_out", booking)


async def _free_rest(uow: UnitOfWork, booking: Booking) -> None:
    if uow.now <= booking.starts_at:
        await release(uow, booking.hold_id)
    elif uow.now < booking.ends_at:
        shorter = update(Hold).where(Hold.id == booking.hold_id).values(ends_at=uow.now)
        await uow.session.execute(shorter.execution_options(synchronize_session=False))


async def rate(uow: UnitOfWork, *, booking_id: int, stars: int, review: str = "") -> None:
    """Say how it was, once. Raises NotFound, Forbidden, WrongState, InvalidStars, InvalidText."""
    given, said = stars_of(stars), words(review, field="review", most=MOST_REVIEW, lines=True)
    booking = await _locked(uow, booking_id)
    if not may_rate(uow.actor, booking.home_id):
        raise Forbidden
    if booking.state != State.DONE or booking.stars is not None:
        raise WrongState(field="id")
    await _set(uow, booking, stars=given, review=said, rated_at=uow.now)
    uow.emit(VisitRated(booking.worker_id, given), compound_id=booking.compound_id)
    _record(uow, "housekeeping.rated", booking, stars=given)


async def charge_hours(uow: UnitOfWork, *, booking_id: int) -> None:
    """The home owes what was worked. Done by the system: the worker may not see what homes owe."""
    found = await uow.session.execute(select(Booking).where(Booking.id == booking_id).with_for_update())
    booking = found.scalar_one_or_none()
    if booking is None or booking.charge_id is not None or booking.state != State.DONE:
        return
    name = await uow.session.scalar(select(Service.name).where(Service.id == booking.service_id))
    new = NewCharge(
        booking.home_id, ChargeKind.BOOKING, booking.id, booking.price_fen, f"{name} {booking.quantity} 分钟"
    )
    await _set(uow, booking, charge_id=await open_charge(uow, new))


async def count_stars(uow: UnitOfWork, *, worker_id: int, stars: int) -> None:
    """Add a rating to the worker's. Done by the system: residents change no workers."""
    counted = update(Worker).where(Worker.id == worker_id)
    values = {"ratings": Worker.ratings + 1, "stars": Worker.stars + stars}
    await uow.session.execute(counted.values(values).execution_options(synchronize_session=False))
