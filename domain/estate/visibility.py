"""The rows an actor may see: the only place with area filters. Row-level security beneath says the same again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false, or_

from domain.kernel.actor import Actor, Scope

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
    neighbours: everybody living in the compound may see the row (the compound itself, its buildings).
    """
    tests: list[ColumnElement[bool]] = []
    for name, held in _COLUMNS:
        column = getattr(columns, home if name == "home_id" else name, None)
        ids: tuple[int, ...] = getattr(scope, held)
        if column is not None and ids:
            tests.append(column.in_(ids))
    if neighbours and scope.neighbourhoods:
        tests.append(columns.compound_id.in_(scope.neighbourhoods))
    return or_(*tests) if tests else false()


def visible_to(actor: Actor, columns: Any, *, home: str = "home_id", neighbours: bool = False) -> ColumnElement[bool]:
    """SQL: ``actor`` may see the row, by its area or home. See ``in_scope`` for the parameters."""
    return in_scope(actor.scope, columns, home=home, neighbours=neighbours)
