"""What a live feed reads: an append-only log in commit order. The slices of the domain own the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.kernel.actor import Scope
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


@dataclass(frozen=True, slots=True)
class LogPage:
    """Items after a cursor, oldest first.

    ``position``: everything up to here has been read. For a complete page that is ``LogCursor(horizon, 0)`` with
    ``horizon = pg_snapshot_xmin(pg_current_snapshot())`` of the read; for a page cut at ``limit``, the last item's
    cursor. ``complete``: nothing settled is left after ``position``. ``held_back``: rows are committed beyond the
    horizon and wait for an older transaction to end.
    """

    items: Sequence[LogItem]
    position: LogCursor
    complete: bool
    held_back: bool = False


class LogSource(Protocol):
    """Reads one log."""

    async def end(self) -> LogCursor:
        """The present end: ``LogCursor(pg_snapshot_xmin(pg_current_snapshot()), 0)``."""

    async def after(self, cursor: LogCursor, scope: Scope, limit: int) -> LogPage:
        """At most ``limit`` items beyond ``cursor`` in the areas of ``scope``, settled ones only.

        ``scope`` names areas and is also the transaction's row-level security scope: this is a system read, the
        subscribers' own rights are applied per item by the feed. Compounds of wide areas are found in the same
        snapshot (``compound_id in (select id from area where ...)``), so that a new compound is never missed.
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
