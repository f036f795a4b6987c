"""Where a list looks: everything the actor sees, or the part of it in one area."""

from __future__ import annotations

from dataclasses import replace

from domain.estate.queries import areas_by_id
from domain.estate.visibility import covers
from domain.kernel.actor import Actor, Scope
from domain.kernel.errors import NotFound
from domain.kernel.uow import Reader


async def look_in(reader: Reader, actor: Actor, area_id: int | None, scope: Scope | None = None) -> Scope:
    """The areas and homes to search for ``area_id``: the area itself, or the caller's homes when they only live there.

    ``scope``: the part of the actor's scope that counts (all when None). Raises NotFound for an area out of sight.
    """
    held = actor.scope if scope is None else scope
    if area_id is None:
        return replace(held, neighbourhoods=(), workplaces=(), account=None)
    found = await areas_by_id(reader, actor, [area_id])
    if not found:
        raise NotFound(field="area")
    area = found[0]
    if covers(held, area):
        return _only(str(area.level), area_id)
    return held.only_homes(h.home_id for h in actor.households if h.compound_id == area_id)


async def follow_in(reader: Reader, actor: Actor, area_id: int | None) -> Scope:
    """The areas to follow for ``area_id``; for residents the compounds they live in. Raises NotFound."""
    if area_id is None:
        own = actor.scope
        around = tuple(sorted({*own.compounds, *own.neighbourhoods}))
        return Scope(counties=own.counties, towns=own.towns, communities=own.communities, compounds=around)
    found = await areas_by_id(reader, actor, [area_id])
    if not found:
        raise NotFound(field="area")
    return _only(str(found[0].level), area_id)


def _only(level: str, area_id: int) -> Scope:
    ids = (area_id,)
    return {
        "county": Scope(counties=ids),
        "town": Scope(towns=ids),
        "community": Scope(communities=ids),
        "compound": Scope(compounds=ids),
    }[level]
