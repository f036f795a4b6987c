"""Commands on the estate: growing the tree, buildings and homes. Used by the command line and seeds."""

from __future__ import annotations

from sqlalchemy import func, insert, select

from domain.estate.models import Area, Building, CompoundKind, Home
from domain.estate.queries import compound_place
from domain.kernel.actor import Level
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.uow import UnitOfWork

_ORDER = list(Level)


async def next_area_id(uow: UnitOfWork) -> int:
    """An id for a county to be. A scope must name the county before its row can be written, so it is drawn first."""
    drawn = await uow.session.execute(select(func.nextval(func.pg_get_serial_sequence("area", "id"))))
    return int(drawn.scalar_one())


async def add_county(uow: UnitOfWork, *, county_id: int, name: str) -> int:
    """A county with an id from ``next_area_id``; the unit's scope covers it. Returns its id."""
    row = {"id": county_id, "level": "county", "path": str(county_id), "name": name, "county_id": county_id}
    await uow.session.execute(insert(Area).values(row))
    return county_id


async def add_area(
    uow: UnitOfWork, *, parent_id: int, name: str, kind: CompoundKind | None = None, timezone: str = "Asia/Shanghai"
) -> int:
    """The area below ``parent_id``, one level down; ``kind`` is given for compounds only. Returns its id.

    Raises NotFound (parent out of sight), Invalid.
    """
    parent = (await uow.session.execute(select(Area).where(Area.id == parent_id))).scalar_one_or_none()
    if parent is None:
        raise NotFound(field="parent")
    if parent.level == Level.COMPOUND:
        raise Invalid(field="parent")
    level = _ORDER[_ORDER.index(Level(parent.level)) + 1]
    if (kind is not None) != (level is Level.COMPOUND):
        raise Invalid(field="kind")
    area_id = await next_area_id(uow)
    row = {
        "id": area_id,
        "level": str(level),
        "parent_id": parent_id,
        "path": f"{parent.path}.{area_id}",
        "name": name,
        "county_id": parent.county_id,
        "town_id": parent.town_id,
        "community_id": parent.community_id,
        "kind": kind,
        "timezone": timezone,
        f"{level}_id": area_id,
    }
    await uow.session.execute(insert(Area).values(row))
    return area_id


async def add_building(uow: UnitOfWork, *, compound_id: int, name: str) -> int:
    """A building of a compound; returns its id. Raises NotFound."""
    place = await compound_place(uow, compound_id)
    if place is None:
        raise NotFound(field="compound")
    row = {**place.ids(), "name": name}
    return (await uow.session.execute(insert(Building).values(row).returning(Building.id))).scalar_one()


async def add_home(uow: UnitOfWork, *, building_id: int, unit: str, door: str) -> int:
    """A home in a building; returns its id. Raises NotFound."""
    building = (await uow.session.execute(select(Building).where(Building.id == building_id))).scalar_one_or_none()
    if building is None:
        raise NotFound(field="building")
    row = {
        "county_id": building.county_id,
        "town_id": building.town_id,
        "community_id": building.community_id,
        "compound_id": building.compound_id,
        "building_id": building_id,
        "unit": unit,
        "door": door,
    }
    return (await uow.session.execute(insert(Home).values(row).returning(Home.id))).scalar_one()
