"""Newest-first pages of big tables: always a few index ranges, never a scan or a sort of what is not shown.

A place with an index of its own gives one range; a wider one gives the newest rows of each of its compounds, merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, select, true, tuple_, union_all

from domain.estate.models import Area
from domain.estate.visibility import in_scope
from domain.kernel.actor import Level, Scope
from domain.kernel.paging import Page, decode_cursor, encode_cursor
from domain.kernel.uow import AnyRow, Reader

Place = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class History:
    """A table that is read newest first, by ``at`` and id.

    by_county: it has an index on (county, at, id), so that a county need not be taken apart into compounds.
    """

    table: Any
    at: Any
    columns: tuple[Any, ...]
    by_county: bool = False


def place_after(cursor: str | None) -> Place | None:
    """The place a cursor stands for. Raises BadCursor."""
    if cursor is None:
        return None
    at, row_id = decode_cursor(cursor, (datetime, int))
    return at, row_id


async def newest_page(
    reader: Reader,
    history: History,
    scope: Scope,
    where: Sequence[ColumnElement[bool]],
    *,
    first: int,
    after: str | None,
) -> Page[AnyRow]:
    """``first`` rows of ``scope`` that fulfil ``where``, newest first, behind ``after``. Raises BadCursor."""
    before = place_after(after)
    branches = _branches(history, scope, where, before, first + 1)
    return page_of(history, await reader.rows(_merged(history, branches, first + 1)) if branches else (), first)


def page_of(history: History, rows: Sequence[AnyRow], first: int) -> Page[AnyRow]:
    """The page of ``rows``, newest first, of which one may be there twice and one more than ``first`` tells of more."""
    distinct = list({row.id: row for row in rows}.values())
    kept = tuple(distinct[:first])
    cursors = tuple(encode_cursor(getattr(row, history.at.key), row.id) for row in kept)
    return Page(items=kept, cursors=cursors, has_next=len(distinct) > first)


def _rows(limit: int) -> ColumnElement[int]:
    """A LIMIT written into the text: with a parameter the planner guesses a tenth of the table, and plans anew."""
    return bindparam("rows", limit, Integer, unique=True, literal_execute=True)


def newest_of(history: History, where: Sequence[ColumnElement[bool]], before: Place | None, limit: int) -> Select[Any]:
    """The newest ``limit`` rows that fulfil ``where``, behind ``before``."""
    query = select(*history.columns).where(*where)
    if before is not None:
        query = query.where(tuple_(history.at, history.table.id) < tuple_(*before))
    return query.order_by(history.at.desc(), history.table.id.desc()).limit(_rows(limit))


def _branches(
    history: History, scope: Scope, where: Sequence[ColumnElement[bool]], before: Place | None, limit: int
) -> list[Select[Any]]:
    table = history.table

    def each(ids: Select[Any], column: Any) -> Select[Any]:
        """The newest rows of each of ``ids``."""
        places = ids.subquery()
        newest = newest_of(history, (column == places.c.id, *where), before, limit).lateral()
        return select(newest).select_from(places.join(newest, true()))

    def one(part: Scope) -> Select[Any]:
        return newest_of(history, (in_scope(part, table), *where), before, limit)

    whole = tuple(Scope(counties=(county,)) for county in scope.counties) if history.by_county else ()
    branches = [one(part) for part in whole]
    rest = replace(scope, homes=(), counties=() if history.by_county else scope.counties)
    if len(rest.compounds) == 1 and not (rest.counties or rest.towns or rest.communities):
        branches.append(one(rest))
    elif rest.counties or rest.towns or rest.communities or rest.compounds:
        within = select(Area.id).where(Area.level == Level.COMPOUND, in_scope(rest, Area))
        branches.append(each(within, table.compound_id))
    branches += [one(scope.only_homes((home,))) for home in scope.homes]
    return branches


def _merged(history: History, branches: list[Select[Any]], limit: int) -> Select[Any]:
    """The newest rows of all branches; a row may come from two of them."""
    merged = union_all(*(select(branch.subquery()) for branch in branches)).subquery()
    at, row_id = merged.c[history.at.key], merged.c.id
    return select(merged).order_by(at.desc(), row_id.desc()).limit(_rows(limit * len(branches)))
