"""The rows an actor may see: the only place with area filters. Row-level security beneath says the same again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_

from domain.kernel.actor import NOTHING, Actor, HomeRole, Scope, Trust, scope_of

_COLUMNS = (
    ("county_id", "counties"),
    ("town_id", "towns"),
    ("community_id", "communities"),
    ("compound_id", "compounds"),
)


def in_scope(scope: Scope, columns: Any, *, home: str = "home_id", neighbours: bool = False) -> ColumnElement[bool]:
    """SQL: the row stands in an area of ``scope``, or in a home of it and is of the time since it is seen.

    columns: a mapped class; area columns it does not have are not compared.
    home: the column that names the row's home (``"id"`` for homes themselves).
    neighbours: everybody living or working in the compound may see the row (the compound itself, its buildings).
    """
    tests: list[ColumnElement[bool]] = []
    for name, held in _COLUMNS:
        column = getattr(columns, name, None)
        ids: tuple[int, ...] = getattr(scope, held)
        if column is not None and ids:
            tests.append(column.in_(ids))
    if getattr(columns, home, None) is not None and scope.homes:
        tests.append(_of_homes(scope, columns, home))
    if getattr(columns, "homes", None) is not None and scope.homes:
        tests.append(columns.homes.overlap(list(scope.homes)))
    if neighbours and (around := {*scope.neighbourhoods, *scope.workplaces}):
        tests.append(columns.compound_id.in_(sorted(around)))
    return or_(*tests) if tests else false()


def _of_homes(scope: Scope, columns: Any, home: str) -> ColumnElement[bool]:
    """Homes themselves (``home`` is their id) have no before; what stands in one says by ``over`` when it was."""
    column = getattr(columns, home)
    if home != "home_id":
        return or_(column.in_(scope.homes))
    homes: dict[datetime | None, list[int]] = {}
    for each in scope.homes:
        homes.setdefault(scope.since(each), []).append(each)
    return or_(
        *(
            column.in_(ids) if since is None else and_(column.in_(ids), columns.concerns(since))
            for since, ids in homes.items()
        )
    )


def visible_to(actor: Actor, columns: Any, *, home: str = "home_id", neighbours: bool = False) -> ColumnElement[bool]:
    """SQL: ``actor`` may see the row, by its area, or home and time. See ``in_scope`` for the parameters."""
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


def owned(actor: Actor) -> Scope:
    """The homes of which the property office knows the actor as owner, from their beginning: for what is the home's
    own, whoever lived there (its bills, meters and balance)."""
    mine = (h.home_id for h in actor.households if h.role is HomeRole.OWNER and h.trust is Trust.OFFICE)
    return replace(actor.scope.only_homes(mine), moved_in=())


def covers(scope: Scope, row: Any) -> bool:
    """Whether ``row``, anything with the four area ids, stands in an area of ``scope``: ``in_scope`` without SQL."""
    return any(getattr(row, name) in getattr(scope, held) for name, held in _COLUMNS)


def at_home(scope: Scope, home_id: int | None, over: datetime | None) -> bool:
    """Whether a row of ``home_id`` that was over at ``over`` (None: it goes on, or has no time) stands in a home of
    ``scope`` and is of the time since that is seen: ``in_scope`` without SQL."""
    if home_id is None or home_id not in scope.homes:
        return False
    since = scope.since(home_id)
    return over is None or since is None or over >= since
