"""The rows an actor may see: the only place with area filters. Row-level security beneath says the same again."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, false, or_

from domain.kernel.actor import NOTHING, Actor, Scope, Trust, scope_of

_COLUMNS = (
    ("county_id", "counties"),
    ("town_id", "towns"),
    ("community_id", "communities"),
    ("compound_id", "compounds"),
    ("home_id", "homes"),
)


def in_scope(scope: Scope, columns: Any, *, home: str = "home_id", neighbours: bool = False) -> ColumnElement[bool]:
    """SQL: the row stands in an area or home of ``scope``.

    columns: a mapped class or a selectable's columns; area columns it does not have are not compared.
    home: the column that names the row's home (``"id"`` for homes themselves).
    neighbours: everybody living or working in the compound may see the row (the compound itself, its buildings).
    """
    tests: list[ColumnElement[bool]] = []
    for name, held in _COLUMNS:
        column = getattr(columns, home if name == "home_id" else name, None)
        ids: tuple[int, ...] = getattr(scope, held)
        if column is not None and ids:
            tests.append(column.in_(ids))
    if getattr(columns, "homes", None) is not None and scope.homes:
        tests.append(columns.homes.overlap(list(scope.homes)))
    if neighbours and (around := {*scope.neighbourhoods, *scope.workplaces}):
        tests.append(columns.compound_id.in_(sorted(around)))
    return or_(*tests) if tests else false()


def visible_to(actor: Actor, columns: Any, *, home: str = "home_id", neighbours: bool = False) -> ColumnElement[bool]:
    """SQL: ``actor`` may see the row, by its area or home. See ``in_scope`` for the parameters."""
    return in_scope(actor.scope, columns, home=home, neighbours=neighbours)


def scope_as(actor: Actor, roles: Collection[str], *, verified: bool = False) -> Scope:
    """The part of the actor's scope that stands on ``roles`` and on their homes; verified: those that the property
    office vouches for.

    For rows that not every role may see: a town operator who is also property staff of one compound reaches that
    compound's residents, not the town's.
    """
    if actor.account_id is None:
        return NOTHING
    homes = tuple(home for home in actor.households if not verified or home.trust is Trust.OFFICE)
    return scope_of(tuple(g for g in actor.grants if g.role in roles), homes, actor.account_id)


def covers(scope: Scope, row: Any) -> bool:
    """Whether ``row``, anything with the four area ids, stands in an area of ``scope``: ``in_scope`` without SQL."""
    return any(getattr(row, name) in getattr(scope, held) for name, held in _COLUMNS[:4])
