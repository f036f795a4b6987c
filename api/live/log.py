"""What a live feed reads: an append-only log in commit order. The slices of the domain own the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from domain.kernel.actor import Scope
from domain.kernel.log import LogPage
from domain.kernel.paging import LogCursor


class LogItem(Protocol):
    """One row of a log: immutable, with its place in the log and in the estate."""

    @property
    def cursor(self) -> LogCursor: ...
    @property
    def county_id(self) -> int: ...
    @property
    def town_id(self) -> int: ...
    @property
    def community_id(self) -> int: ...
    @property
    def compound_id(self) -> int: ...


class LogSource(Protocol):
    """Reads one log: ``domain.kernel.log.LogReader``, or a test's own."""

    async def end(self) -> LogCursor:
        """The present end: ``LogCursor(pg_snapshot_xmin(pg_current_snapshot()), 0)``."""

    async def after(self, cursor: LogCursor, scope: Scope, limit: int) -> LogPage[Any]:
        """At most ``limit`` items beyond ``cursor`` in the areas of ``scope``, settled ones only.

        ``scope`` names areas and is also the transaction's row-level security scope: this is a system read, the
        subscribers' own rights are applied per item by the feed. Rows carry the areas above their compound, so those
        of a compound made later are found too. Raises StaleCursor when the log was restored since ``cursor``.
        """


def at(cursor: LogCursor) -> tuple[int, int]:
    """A cursor as a sortable pair."""
    return (cursor.xid, cursor.id)


def within(item: LogItem, scope: Scope) -> bool:
    """Whether ``item`` lies in the areas of ``scope``."""
    return (
        item.compound_id in scope.compounds
        or item.community_id in scope.communities
        or item.town_id in scope.towns
        or item.county_id in scope.counties
    )


def widest(scopes: Sequence[Scope]) -> Scope:
    """The areas of all ``scopes`` together."""
    return Scope(
        counties=tuple(sorted({i for s in scopes for i in s.counties})),
        towns=tuple(sorted({i for s in scopes for i in s.towns})),
        communities=tuple(sorted({i for s in scopes for i in s.communities})),
        compounds=tuple(sorted({i for s in scopes for i in s.compounds})),
    )
