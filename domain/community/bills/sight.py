"""Which bills, accounts, meters and balances somebody sees, and where they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from domain.estate.models import Home
from domain.estate.queries import CompoundPlace, compound_place
from domain.estate.visibility import in_scope, owned, visible_to
from domain.identity.policies import OFFICE, Place, place_of
from domain.kernel.actor import Actor, ActorKind, Trust, scope_of
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.uow import AnyRow, UnitOfWork

May = Callable[[Actor, Place], bool]
"""A function of ``policies``."""


def visible(actor: Actor, table: Any) -> ColumnElement[bool]:
    """SQL: ``actor`` sees the row: the office in its compound, residents that it has verified in their homes; owners
    all of these, tenants and members what is of their time or was still to be paid when they came."""
    if actor.kind is ActorKind.SYSTEM:
        return visible_to(actor, table)
    if actor.account_id is None:
        return in_scope(actor.scope, table)
    grants = tuple(grant for grant in actor.grants if grant.role in OFFICE)
    homes = tuple(home for home in actor.households if home.trust is Trust.OFFICE)
    return or_(in_scope(scope_of(grants, homes, actor.account_id), table), in_scope(owned(actor), table))


async def home_for(uow: UnitOfWork, home_id: int, may: May) -> AnyRow:
    """A home with its area columns, where ``may`` holds. Raises NotFound (out of sight), Forbidden."""
    found = await uow.session.execute(
        select(Home.id, Home.county_id, Home.town_id, Home.community_id, Home.compound_id).where(Home.id == home_id)
    )
    home = found.first()
    if home is None:
        raise NotFound(field="home")
    if not may(uow.actor, place_of(home)):
        raise Forbidden
    return home


async def compound_for(uow: UnitOfWork, compound_id: int, may: May) -> CompoundPlace:
    """A compound, where ``may`` holds. Raises NotFound (out of sight), Forbidden."""
    place = await compound_place(uow, compound_id)
    if place is None:
        raise NotFound(field="compound")
    if not may(uow.actor, place_of(place)):
        raise Forbidden
    return place


def areas(row: Any) -> dict[str, int]:
    """The area columns of anything that carries them, for an insert."""
    return {name: getattr(row, name) for name in ("county_id", "town_id", "community_id", "compound_id")}


async def locked(uow: UnitOfWork, table: Any, row_id: int, may: May) -> Any:
    """A row of ``table`` that the actor sees, locked, where ``may`` holds. Raises NotFound, Forbidden."""
    seen = select(table).where(table.id == row_id, visible(uow.actor, table))
    found = await uow.session.execute(seen.with_for_update().execution_options(populate_existing=True))
    row = found.scalar_one_or_none()
    if row is None:
        raise NotFound(field="id")
    if not may(uow.actor, place_of(row)):
        raise Forbidden
    return row
