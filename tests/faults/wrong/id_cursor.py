"""Reads logs by ``id > last``: rows that commit behind a later id are never seen."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from domain.kernel.actor import Scope
from domain.kernel.log import LogPage, LogReader
from domain.kernel.paging import LogCursor
from domain.kernel.uow import transaction


def before_the_tree() -> None:
    """The servers are as they should be."""


def in_process() -> None:
    """Read without looking at transactions."""

    async def end(self: LogReader[Any]) -> LogCursor:
        async with transaction(self._engine, Scope(), read_only=True) as connection:
            last = (await connection.execute(select(func.coalesce(func.max(self._table.id), 0)))).scalar_one()
        return LogCursor(0, last)

    async def after(self: LogReader[Any], cursor: LogCursor, scope: Scope, limit: int) -> LogPage[Any]:
        table = self._table
        statement = (
            select(table.id.label("log_id"), *self._columns)
            .where(self._where(scope), table.id > cursor.id)
            .order_by(table.id)
            .limit(limit)
        )
        async with transaction(self._engine, scope, read_only=True) as connection:
            rows = (await connection.execute(statement)).all()
        items = [self._make(LogCursor(0, row.log_id), row) for row in rows]
        position = items[-1].cursor if items else LogCursor(0, cursor.id)
        return LogPage(items, position, complete=len(rows) < limit)

    LogReader.end = end  # type: ignore[method-assign]
    LogReader.after = after  # type: ignore[method-assign]
