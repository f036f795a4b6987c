"""Reads of housekeeping: what everybody in the compound may know, and what only the office, the home or the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from domain.community.housekeeping.models import Absence, Booking, Provider, Series, Service, ShiftRow, Worker
from domain.community.housekeeping.policies import verified_homes
from domain.community.housekeeping.rules import State
from domain.estate.visibility import in_scope, scope_as, visible_to
from domain.identity.policies import OFFICE
from domain.kernel.actor import Actor, ActorKind, Scope
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader

PROVIDERS = (
    Provider.id,
    Provider.compound_id,
    Provider.name,
    Provider.licence,
    Provider.contact,
    Provider.created_at,
    Provider.retired_at,
)
SERVICES = (
    Service.id,
    Service.compound_id,
    Service.provider_id,
    Service.name,
    Service.description,
    Service.unit,
    Service.price_fen,
    Service.minimum_fen,
    Service.minutes,
    Service.pace,
    Service.free_hours,
    Service.late_percent,
    Service.retired_at,
)
WORKERS = (
    Worker.id,
    Worker.compound_id,
    Worker.provider_id,
    Worker.worker_account_id,
    Worker.name,
    Worker.ratings,
    Worker.stars,
    Worker.retired_at,
)
SHIFTS = (ShiftRow.worker_id, ShiftRow.weekday, ShiftRow.opens, ShiftRow.closes)
ABSENCES = (
    Absence.id,
    Absence.compound_id,
    Absence.worker_id,
    Absence.starts_at,
    Absence.ends_at,
    Absence.removed_at,
)
BOOKINGS = (
    Booking.id,
    Booking.county_id,
    Booking.town_id,
    Booking.community_id,
    Booking.compound_id,
    Booking.home_id,
    Booking.account_id,
    Booking.service_id,
    Booking.worker_id,
    Booking.series_id,
    Booking.starts_at,
    Booking.ends_at,
    Booking.quantity,
    Booking.address,
    Booking.note,
    Booking.state,
    Booking.price_fen,
    Booking.fee_fen,
    Booking.charge_id,
    Booking.application_id,
    Booking.free_until,
    Booking.created_at,
    Booking.checked_in_at,
    Booking.checked_out_at,
    Booking.cancelled_at,
    Booking.by_office,
    Booking.stars,
    Booking.review,
    Booking.rated_at,
)
SERIES = (Series.id, Series.compound_id, Series.home_id, Series.service_id, Series.every, Series.ended_at)


def served(actor: Actor, table: Any, *, working: bool = True) -> ColumnElement[bool]:
    """SQL: what the compound's office, the home's verified residents and the worker see: bookings, absences.

    working: also what they see as a worker.
    """
    if actor.kind is ActorKind.SYSTEM:
        return visible_to(actor, table)
    scope = replace(scope_as(actor, OFFICE), homes=verified_homes(actor))
    seen = in_scope(scope, table)
    if not working or not hasattr(table, "worker_account_id"):
        return seen
    here = in_scope(Scope(compounds=actor.scope.workplaces), table)
    return or_(seen, and_(here, table.worker_account_id == actor.account_id))


async def provider_page(
    reader: Reader, actor: Actor, *, compound_id: int | None, first: int, after: str | None
) -> Page[AnyRow]:
    """Providers at work in the compounds that the actor sees, in order of id. Raises BadCursor."""
    query = select(*PROVIDERS).where(visible_to(actor, Provider, neighbours=True), Provider.retired_at.is_(None))
    if compound_id is not None:
        query = query.where(Provider.compound_id == compound_id)
    return await keyset_page(reader, query, Provider.id, first=first, after=after)


async def providers_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The providers among ``ids`` that the actor sees, also retired ones."""
    return await reader.rows(
        select(*PROVIDERS).where(Provider.id.in_(ids), visible_to(actor, Provider, neighbours=True))
    )


async def services_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The price list entries among ``ids`` that the actor sees, also retired ones."""
    return await reader.rows(select(*SERVICES).where(Service.id.in_(ids), visible_to(actor, Service, neighbours=True)))


async def workers_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The workers among ``ids`` that the actor sees, also retired ones."""
    return await reader.rows(select(*WORKERS).where(Worker.id.in_(ids), visible_to(actor, Worker, neighbours=True)))


async def services_of(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """The price lists of the providers ``ids``: entries in use."""
    seen = visible_to(actor, Service, neighbours=True)
    query = select(*SERVICES).where(Service.provider_id.in_(ids), Service.retired_at.is_(None), seen)
    return _by(await reader.rows(query.order_by(Service.id)), "provider_id")


async def workers_of(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Who works for the providers ``ids`` now."""
    seen = visible_to(actor, Worker, neighbours=True)
    query = select(*WORKERS).where(Worker.provider_id.in_(ids), Worker.retired_at.is_(None), seen)
    return _by(await reader.rows(query.order_by(Worker.id)), "provider_id")


async def shifts_of(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """The weekly hours of the workers ``ids``."""
    seen = visible_to(actor, ShiftRow, neighbours=True)
    query = select(*SHIFTS).where(ShiftRow.worker_id.in_(ids), seen)
    return _by(await reader.rows(query.order_by(ShiftRow.weekday, ShiftRow.opens)), "worker_id")


async def absence_page(
    reader: Reader, actor: Actor, *, compound_id: int | None, first: int, after: str | None
) -> Page[AnyRow]:
    """Absences that the actor may know of, in order of id, not those taken back. Raises BadCursor."""
    query = select(*ABSENCES).where(served(actor, Absence), Absence.removed_at.is_(None))
    if compound_id is not None:
        query = query.where(Absence.compound_id == compound_id)
    return await keyset_page(reader, query, Absence.id, first=first, after=after)


async def absences_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The absences among ``ids`` that the actor may know of, also those taken back."""
    return await reader.rows(select(*ABSENCES).where(Absence.id.in_(ids), served(actor, Absence)))


async def booking_page(
    reader: Reader,
    actor: Actor,
    *,
    compound_id: int | None,
    home_id: int | None,
    state: State | None,
    first: int,
    after: str | None,
) -> Page[AnyRow]:
    """Bookings that the actor sees, in order of id; of one home for those who see that. Raises BadCursor."""
    query = select(*BOOKINGS).where(served(actor, Booking, working=home_id is None))
    if compound_id is not None:
        query = query.where(Booking.compound_id == compound_id)
    if home_id is not None:
        query = query.where(Booking.home_id == home_id)
    if state is not None:
        query = query.where(Booking.state == str(state))
    return await keyset_page(reader, query, Booking.id, first=first, after=after)


async def bookings_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The bookings among ``ids`` that the actor sees."""
    return await reader.rows(select(*BOOKINGS).where(Booking.id.in_(ids), served(actor, Booking)))


async def series_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The series among ``ids`` that the actor sees."""
    return await reader.rows(select(*SERIES).where(Series.id.in_(ids), served(actor, Series)))


async def bookings_of_series(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """The bookings of the series ``ids``, in order of time."""
    query = select(*BOOKINGS).where(Booking.series_id.in_(ids), served(actor, Booking))
    return _by(await reader.rows(query.order_by(Booking.starts_at, Booking.id)), "series_id")


def _by(rows: Sequence[AnyRow], column: str) -> dict[int, list[AnyRow]]:
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(getattr(row, column), []).append(row)
    return found
