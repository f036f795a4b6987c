"""Reads append-only tables as logs, in the order in which their transactions can no longer be overtaken.

Ids commit out of order, so ``id > last`` would miss rows. A row is settled when every transaction that began before its
own has ended: ``xid < pg_snapshot_xmin(pg_current_snapshot())``, the horizon. Settled rows ordered by (xid, id) only
ever grow at the end.

A log that was put back from a backup begins a new epoch (``zhian_begin_epoch``): its transaction ids are given out once
more, so a cursor from before says nothing. Where the counter of another server began anew, the rows that came with the
backup bear ids of transactions to come: they lie under the floor of the epoch and are no part of what is read onward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
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
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.actor import NOTHING, Scope
from domain.kernel.base import XID8, Base
from domain.kernel.paging import LogCursor, StaleCursor
from domain.kernel.uow import AnyRow, transaction

T = TypeVar("T")

_HORIZON = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger).label("log_horizon")
_NEXT = func.pg_snapshot_xmax(func.pg_current_snapshot())


class LogEpoch(Base):
    """The present life of one log, by the name of its table.

    epoch: 0 until a backup is restored. floor: the largest row id that came with the backup of another server.
    server: where it lives (the cluster's system identifier, "" where that may not be asked).
    """

    __tablename__ = "log_epoch"

    log: Mapped[str] = mapped_column(Text, primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    floor: Mapped[int] = mapped_column(BigInteger)
    server: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(server_default=func.now())


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
            horizon, epoch = (await connection.execute(select(_HORIZON, self._epoch(LogEpoch.epoch)))).one()
            return LogCursor(horizon, 0, epoch)

    async def after(self, cursor: LogCursor, scope: Scope, limit: int) -> LogPage[T]:
        """At most ``limit`` settled items of ``scope`` beyond ``cursor``. Raises StaleCursor: the log was restored."""
        parameters = {"xid": str(cursor.xid), "id": cursor.id, "limit": limit + 1}
        async with transaction(self._engine, scope, read_only=True) as connection:
            rows = (await connection.execute(self._statement(scope), parameters)).all()
        horizon, epoch = rows[0].log_horizon, rows[0].log_epoch
        if cursor.epoch != epoch:
            raise StaleCursor
        found = [row for row in rows if row.log_id is not None]  # one row of nulls when there are none
        settled = [row for row in found if row.log_xid < horizon]
        items = [self._make(LogCursor(row.log_xid, row.log_id, epoch), row) for row in settled[:limit]]
        complete = len(settled) <= limit
        last = settled[limit - 1] if not complete else None
        end = LogCursor(horizon, 0, epoch) if last is None else LogCursor(last.log_xid, last.log_id, epoch)
        return LogPage(items, end, complete, held_back=len(settled) < len(found))

    def _epoch(self, column: Any) -> Any:
        """A column of this log's row among the epochs."""
        return select(column).where(LogEpoch.log == self._table.__tablename__).scalar_subquery()

    def _statement(self, scope: Scope) -> Select[*tuple[Any, ...]]:
        """Rows, horizon and epoch of one snapshot, in one statement."""
        xid, id_ = self._table.xid, self._table.id
        place = tuple_(cast(bindparam("xid", type_=Text), XID8), bindparam("id", type_=BigInteger))
        rows = (
            select(cast(cast(xid, Text), BigInteger).label("log_xid"), id_.label("log_id"), *self._columns)
            .where(self._where(scope), tuple_(xid, id_) > place, xid < _NEXT, id_ > self._epoch(LogEpoch.floor))
            .order_by(xid, id_)
            .limit(bindparam("limit", type_=BigInteger))
            .lateral()
        )
        head = select(_HORIZON, self._epoch(LogEpoch.epoch).label("log_epoch")).subquery()
        return select(head.c.log_horizon, head.c.log_epoch, rows).select_from(head.outerjoin(rows, true()))
