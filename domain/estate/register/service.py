"""Making what a register names: what is there stays, what is not is made, all or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select, text

from domain.estate.models import Area
from domain.estate.register.rules import Register
from domain.estate.service import add_area, add_county
from domain.kernel import bulk
from domain.kernel.errors import NotFound
from domain.kernel.uow import UnitOfWork

_ONE_AT_A_TIME: Final = text("select pg_advisory_xact_lock(hashtextextended('estate register', 0))")
_BUILDINGS: Final = """
insert into building (county_id, town_id, community_id, compound_id, name)
select a.county_id, a.town_id, a.community_id, a.id, n.name
from unnest($1::int[], $2::text[]) with ordinality as n (compound_id, name, place) join area a on a.id = n.compound_id
order by n.place on conflict do nothing returning 1
"""
_HOMES: Final = """
insert into home (county_id, town_id, community_id, compound_id, building_id, unit, door)
select b.county_id, b.town_id, b.community_id, b.compound_id, b.id, n.unit, n.door
from unnest($1::int[], $2::text[], $3::text[], $4::text[]) with ordinality
  as n (compound_id, building, unit, door, place)
join building b on b.compound_id = n.compound_id and b.name = n.building
order by n.place on conflict do nothing returning 1
"""
BATCH: Final = 20_000


@dataclass(frozen=True, slots=True)
class Made:
    """How many places were made, by level, "building" and "home"; and how many were there before."""

    made: dict[str, int]
    there: int


class AnotherCounty(Exception):
    """Somebody else made a county since the unit's scope was drawn up: begin again with it in sight."""


async def known_counties(uow: UnitOfWork) -> dict[str, int]:
    """Ids of all counties by name; nobody else registers anything until the unit ends. Raises AnotherCounty."""
    await uow.session.execute(_ONE_AT_A_TIME)
    everywhere = await uow.session.scalar(select(func.zhian_county_ids()))
    if not set(everywhere or ()) <= set(uow.actor.scope.counties):
        raise AnotherCounty
    rows = await uow.session.execute(select(Area.name, Area.id).where(Area.level == "county").order_by(Area.id))
    return {row.name: row.id for row in rows}


async def make(uow: UnitOfWork, register: Register, *, counties: dict[str, int]) -> Made:
    """Make what is not there. counties: ids of all that the register names; of new ones drawn by ``next_area_id``, and
    in the unit's scope. Raises NotFound (a county without an id)."""
    known = await _known(uow)
    made: Counter[str] = Counter()
    for path in register.areas:
        if path in known:
            continue
        if len(path) == 1:
            if path[0] not in counties:
                raise NotFound(field="county")
            known[path] = await add_county(uow, county_id=counties[path[0]], name=path[0])
        else:
            traits = register.traits.get(path)
            known[path] = await add_area(
                uow,
                parent_id=known[path[:-1]],
                name=path[-1],
                kind=traits.kind if traits else None,
                timezone=traits.timezone if traits else "Asia/Shanghai",
            )
        made[("county", "town", "community", "compound")[len(path) - 1]] += 1
    buildings = [(known[path], name) for path, name in register.buildings]
    homes = [(known[path], building, unit, door) for path, building, unit, door in register.homes]
    made["building"] = await _insert(uow, _BUILDINGS, buildings)
    made["home"] = await _insert(uow, _HOMES, homes)
    named = len(register.areas) + len(buildings) + len(homes)
    if made.total():
        uow.record("estate.registered", "Area", None, details=dict(made))
    return Made(dict(made), named - made.total())


async def _known(uow: UnitOfWork) -> dict[tuple[str, ...], int]:
    """Ids of the areas in scope by their names from the county down."""
    rows = await uow.session.execute(select(Area.id, Area.parent_id, Area.name).order_by(Area.path))
    paths: dict[int, tuple[str, ...]] = {}
    for number, parent, name in rows:
        paths[number] = (*(paths[parent] if parent is not None else ()), name)
    return {path: number for number, path in paths.items()}


async def _insert(uow: UnitOfWork, statement: str, rows: Sequence[tuple[object, ...]]) -> int:
    connection = await uow.session.connection()
    made = 0
    for at in range(0, len(rows), BATCH):
        columns = [list(column) for column in zip(*rows[at : at + BATCH], strict=True)]
        made += len(await bulk.fetch(connection, statement, *columns))
    return made
