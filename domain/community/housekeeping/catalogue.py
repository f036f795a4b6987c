"""Commands on providers and their price lists: for the property office."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.housekeeping.errors import NameTaken, Retired
from domain.community.housekeeping.models import Provider, Service, Worker
from domain.community.housekeeping.policies import may_keep
from domain.community.housekeeping.rules import Terms, Unit, checked, licence_of
from domain.estate.queries import compound_place
from domain.identity.policies import Place, place_of
from domain.kernel.actor import Actor
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MOST_NAME = 40
MOST_TEXT = 400
AREAS = ("county_id", "town_id", "community_id", "compound_id")

T = TypeVar("T", Provider, Service, Worker)


@dataclass(frozen=True, slots=True)
class NewProvider:
    """A provider to be. ``licence``: its unified social credit code, or ""."""

    compound_id: int
    name: str
    licence: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class NewService:
    """An entry of a price list to be."""

    provider_id: int
    name: str
    terms: Terms
    description: str = ""


def areas_of(row: Any) -> dict[str, int]:
    """The tenant columns of a row, for one that stands in the same compound."""
    return {name: getattr(row, name) for name in AREAS}


def terms_of(service: Any) -> Terms:
    """The terms of a price list row."""
    return Terms(
        Unit(service.unit),
        service.price_fen,
        service.minimum_fen,
        service.minutes,
        service.pace,
        service.free_hours,
        service.late_percent,
    )


async def add_provider(uow: UnitOfWork, *, new: NewProvider) -> int:
    """Enter a provider; its id. Raises NotFound (compound out of sight), Forbidden, InvalidText, InvalidLicence,
    NameTaken."""
    place = await compound_place(uow, new.compound_id)
    if place is None:
        raise NotFound(field="compound")
    if not may_keep(uow.actor, place_of(place)):
        raise Forbidden
    row = place.ids() | {
        "name": words(new.name, field="name", least=1, most=MOST_NAME),
        "licence": licence_of(new.licence),
        "contact": words(new.contact, field="contact", most=MOST_NAME),
        "created_at": uow.now,
    }
    added = await uow.session.execute(
        insert(Provider)
        .values(row)
        .on_conflict_do_nothing(index_elements=["compound_id", "name"], index_where=text("retired_at is null"))
        .returning(Provider)
    )
    provider = added.scalar_one_or_none()
    if provider is None:
        raise NameTaken(field="name", name=row["name"])
    uow.record("housekeeping.provider_added", "HousekeepingProvider", provider.id, where=provider)
    return provider.id


async def kept(
    uow: UnitOfWork, table: type[T], row_id: int, *, field: str, may: Callable[[Actor, Place], bool] = may_keep
) -> T:
    """The provider, price list entry or worker in use, locked, of a compound for which the actor ``may``.

    Raises NotFound, Forbidden, Retired.
    """
    found = await uow.session.execute(select(table).where(table.id == row_id))
    row = found.scalar_one_or_none()
    if row is None:
        raise NotFound(field=field)
    if not may(uow.actor, place_of(row)):
        raise Forbidden
    locked = select(table).where(table.id == row_id).with_for_update().execution_options(populate_existing=True)
    row = (await uow.session.execute(locked)).scalar_one()
    if row.retired_at is not None:
        raise Retired(field=field)
    return row


async def add_service(uow: UnitOfWork, *, new: NewService) -> int:
    """Add an entry to a price list; its id. Raises NotFound, Forbidden, Retired (the provider), InvalidText,
    InvalidTerms, NameTaken."""
    provider = await kept(uow, Provider, new.provider_id, field="provider")
    terms = checked(new.terms)
    row = areas_of(provider) | {
        "provider_id": provider.id,
        "name": words(new.name, field="name", least=1, most=MOST_NAME),
        "description": words(new.description, field="description", most=MOST_TEXT, lines=True),
        "unit": str(terms.unit),
        "price_fen": terms.price_fen,
        "minimum_fen": terms.minimum_fen,
        "minutes": terms.minutes,
        "pace": terms.pace,
        "free_hours": terms.free_hours,
        "late_percent": terms.late_percent,
        "created_at": uow.now,
    }
    added = await uow.session.execute(
        insert(Service)
        .values(row)
        .on_conflict_do_nothing(index_elements=["provider_id", "name"], index_where=text("retired_at is null"))
        .returning(Service.id)
    )
    service_id = added.scalar()
    if service_id is None:
        raise NameTaken(field="name", name=row["name"])
    said = {"provider": provider.id, "price_fen": terms.price_fen, "unit": str(terms.unit)}
    uow.record("housekeeping.service_added", "HousekeepingService", service_id, where=provider, details=said)
    return int(service_id)


async def retire_provider(uow: UnitOfWork, *, provider_id: int) -> None:
    """Nothing more can be booked of the provider; what is booked stays. Raises NotFound, Forbidden, Retired."""
    provider = await kept(uow, Provider, provider_id, field="id")
    await _retire(uow, Provider, provider.id)
    uow.record("housekeeping.provider_retired", "HousekeepingProvider", provider.id, where=provider)


async def retire_service(uow: UnitOfWork, *, service_id: int) -> None:
    """Take an entry off the price list; what is booked stays. Raises NotFound, Forbidden, Retired."""
    service = await kept(uow, Service, service_id, field="id")
    await _retire(uow, Service, service.id)
    uow.record("housekeeping.service_retired", "HousekeepingService", service.id, where=service)


async def _retire(uow: UnitOfWork, table: type[T], row_id: int) -> None:
    retired = update(table).where(table.id == row_id).values(retired_at=uow.now)
    await uow.session.execute(retired.execution_options(synchronize_session=False))
