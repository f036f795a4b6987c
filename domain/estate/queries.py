"""Reads of the estate: areas, buildings, homes, and where a compound stands in the tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from domain.estate.models import Area, Building, Home
from domain.estate.visibility import visible_to
from domain.kernel.actor import Actor, Level
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader, UnitOfWork

AREA_COLUMNS = (
    Area.id,
    Area.level,
    Area.parent_id,
    Area.name,
    Area.county_id,
    Area.town_id,
    Area.community_id,
    Area.compound_id,
    Area.kind,
    Area.timezone,
)
BUILDING_COLUMNS = (Building.id, Building.compound_id, Building.name)
HOME_COLUMNS = (Home.id, Home.compound_id, Home.building_id, Home.unit, Home.door)


@dataclass(frozen=True, slots=True)
class CompoundPlace:
    """A compound's place in the tree: the four ids every compound-bound row carries, and its time zone."""

    county_id: int
    town_id: int
    community_id: int
    compound_id: int
    timezone: str

    def ids(self) -> dict[str, int]:
        """The tenant columns, ready for an insert."""
        return {
            "county_id": self.county_id,
            "town_id": self.town_id,
            "community_id": self.community_id,
            "compound_id": self.compound_id,
        }


def _place(compound_id: int) -> Select[*tuple[Any, ...]]:
    return select(Area.county_id, Area.town_id, Area.community_id, Area.compound_id, Area.timezone).where(
        Area.id == compound_id, Area.level == Level.COMPOUND
    )


async def compound_place(source: Reader | UnitOfWork, compound_id: int) -> CompoundPlace | None:
    """Where a compound stands, or None when there is none or it is out of scope."""
    if isinstance(source, Reader):
        row = await source.row(_place(compound_id))
    else:
        row = (await source.session.execute(_place(compound_id))).first()
    return CompoundPlace(*row) if row is not None else None


async def area_page(
    reader: Reader, actor: Actor, *, level: Level | None, parent_id: int | None, first: int, after: str | None
) -> Page[AnyRow]:
    """Visible areas, of one level or under one visible parent when given."""
    query = select(*AREA_COLUMNS).where(visible_to(actor, Area, neighbours=True))
    if level is not None:
        query = query.where(Area.level == str(level))
    if parent_id is not None:
        above = aliased(Area)
        seen = select(above.id).where(above.id == parent_id, visible_to(actor, above, neighbours=True))
        query = query.where(Area.parent_id == parent_id, seen.exists())
    return await keyset_page(reader, query, Area.id, first=first, after=after)


async def building_page(
    reader: Reader, actor: Actor, *, compound_id: int, first: int, after: str | None
) -> Page[AnyRow]:
    """Visible buildings of a compound."""
    query = select(*BUILDING_COLUMNS).where(
        Building.compound_id == compound_id, visible_to(actor, Building, neighbours=True)
    )
    return await keyset_page(reader, query, Building.id, first=first, after=after)


async def home_page(reader: Reader, actor: Actor, *, building_id: int, first: int, after: str | None) -> Page[AnyRow]:
    """Visible homes of a building."""
    query = select(*HOME_COLUMNS).where(Home.building_id == building_id, visible_to(actor, Home, home="id"))
    return await keyset_page(reader, query, Home.id, first=first, after=after)


async def areas_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The visible areas among ``ids``."""
    return await reader.rows(select(*AREA_COLUMNS).where(Area.id.in_(ids), visible_to(actor, Area, neighbours=True)))


async def buildings_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The visible buildings among ``ids``."""
    return await reader.rows(
        select(*BUILDING_COLUMNS).where(Building.id.in_(ids), visible_to(actor, Building, neighbours=True))
    )


async def homes_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The visible homes among ``ids``."""
    return await reader.rows(select(*HOME_COLUMNS).where(Home.id.in_(ids), visible_to(actor, Home, home="id")))
