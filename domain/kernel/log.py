"""Reads append-only tables as logs, in the order in which their transactions can no longer be overtaken.

Ids commit out of order, so ``id > last`` would miss rows. A row is settled when every transaction that began before its
own has ended: ``xid < pg_snapshot_xmin(pg_current_snapshot())``, the horizon. Settled rows ordered by (xid, id) only
ever grow at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.actor import NOTHING, Scope
from domain.kernel.base import XID8
from domain.kernel.paging import LogCursor
from domain.kernel.uow import AnyRow, transaction

T = TypeVar("T")

_HORIZON = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger).label("log_horizon")


@dataclass(frozen=True, slots=True)
class LogPage(Generic[T]):
    """Items after a cursor, oldest first.

    position: everything up to here has been read; for a complete page the horizon of the read, ``LogCursor(horizon,
    0)``, for a page cut at the limit the last item's cursor. complete: nothing settled is left after ``position``.
    held_back: rows are committed beyond the horizon and wait for an older transaction to end.
    """

    items: Sequence[T]
    position: LogCursor
    complete: bool
    held_back: bool = False


class LogReader(Generic[T]):
    """Reads one table with columns ``xid`` and ``id`` as a log.

    columns: what ``make`` needs of a row besides its cursor. where: the rows of a scope (``estate.in_scope``); the
    read is also made under that scope.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        table: Any,
        columns: Sequence[Any],
        *,
        where: Callable[[Scope], ColumnElement[bool]],
        make: Callable[[LogCursor, AnyRow], T],
    ) -> None:
        self._engine = engine
        self._table = table
        self._columns = columns
        self._where = where
        self._make = make

    async def end(self) -> LogCursor:
        """The present end of the log."""
        async with transaction(self._engine, NOTHING, read_only=True) as connection:
            return LogCursor((await connection.execute(select(_HORIZON))).scalar_one(), 0)

    async def after(self, cursor: LogCursor, scope: Scope, limit: int) -> LogPage[T]:
        """At most ``limit`` settled items of ``scope`` beyond ``cursor``."""
        parameters = {"xid": str(cursor.xid), "id": cursor.id, "limit": limit + 1}
        async with transaction(self._engine, scope, read_only=True) as connection:
            rows = (await connection.execute(self._statement(scope), parameters)).all()
        horizon: int = rows[0].log_horizon
        found = [row for row in rows if row.log_id is not None]  # one row of nulls when there are none
        settled = [row for row in found if row.log_xid < horizon]
        items = [self._make(LogCursor(row.log_xid, row.log_id), row) for row in settled[:limit]]
        complete = len(settled) <= limit
        end = LogCursor(horizon, 0) if complete else LogCursor(settled[limit - 1].log_xid, settled[limit - 1].log_id)
        return LogPage(items, end, complete, held_back=len(settled) < len(found))

    def _statement(self, scope: Scope) -> Select[*tuple[Any, ...]]:
        """Rows and horizon of one snapshot, in one statement."""
        xid, id_ = self._table.xid, self._table.id
        place = tuple_(cast(bindparam("xid", type_=Text), XID8), bindparam("id", type_=BigInteger))
        rows = (
            select(cast(cast(xid, Text), BigInteger).label("log_xid"), id_.label("log_id"), *self._columns)
            .where(self._where(scope), tuple_(xid, id_) > place)
            .order_by(xid, id_)
            .limit(bindparam("limit", type_=BigInteger))
            .lateral()
        )
        horizon = select(_HORIZON).subquery()
        return select(horizon.c.log_horizon, rows).select_from(horizon.outerjoin(rows, true()))
