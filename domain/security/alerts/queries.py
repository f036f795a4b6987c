"""Reads of alerts: pages newest first, single ones, and the log of their changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.estate.focus import look_in
from domain.estate.newest import History, newest_page
from domain.estate.visibility import in_scope
from domain.kernel.actor import Actor
from domain.kernel.log import LogReader
from domain.kernel.paging import LogCursor, Page
from domain.kernel.uow import AnyRow, Reader
from domain.security.alerts.facts import NAMES, AlertChanged, AlertFacts, facts_in, facts_of
from domain.security.alerts.models import Alert, AlertChange, AlertKind, Severity
from domain.security.alerts.policies import sight_of, visible

COLUMNS = tuple(getattr(Alert, name) for name in NAMES)
ALERTS = History(Alert, Alert.raised_at, COLUMNS, by_county=True)
CHANGES = (
    AlertChange.county_id,
    AlertChange.town_id,
    AlertChange.community_id,
    AlertChange.compound_id,
    AlertChange.change,
    AlertChange.at,
    AlertChange.snapshot,
)


class AlertState(StrEnum):
    """Active until cleared; acknowledged or not is another matter."""

    ACTIVE = "active"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts; None = all."""

    area_id: int | None = None
    state: AlertState | None = None
    acknowledged: bool | None = None
    kind: AlertKind | None = None
    severity_at_least: Severity | None = None

    def criteria(self) -> list[ColumnElement[bool]]:
        """SQL of everything but the area."""
        tests: list[ColumnElement[bool]] = []
        if self.state is not None:
            active = Alert.cleared_at.is_(None)
            tests.append(active if self.state is AlertState.ACTIVE else ~active)
        if self.acknowledged is not None:
            open_ = Alert.acknowledged_at.is_(None)
            tests.append(~open_ if self.acknowledged else open_)
        if self.kind is not None:
            tests.append(Alert.kind == str(self.kind))
        if self.severity_at_least is not None:
            tests.append(Alert.severity >= self.severity_at_least.rank)
        return tests


async def alert_page(
    reader: Reader, actor: Actor, wanted: AlertFilter, *, first: int, after: str | None
) -> Page[AnyRow]:
    """Alerts the actor sees, newest first. Raises NotFound (area out of sight), BadCursor."""
    scope = await look_in(reader, actor, wanted.area_id)
    where = (visible(sight_of(actor)), *wanted.criteria())
    return await newest_page(reader, ALERTS, scope, where, first=first, after=after)


async def alerts_by_key(reader: Reader, actor: Actor, keys: Sequence[tuple[int, int]]) -> list[AlertFacts]:
    """The alerts among ``keys`` (compound id, alert id) that the actor sees."""
    rows = await reader.rows(
        select(*COLUMNS).where(tuple_(Alert.compound_id, Alert.id).in_(keys), visible(sight_of(actor)))
    )
    return [facts_of(row) for row in rows]


def change_log(engine: AsyncEngine) -> LogReader[AlertChanged]:
    """The log of changes of alerts; a system read under the scope that is asked for."""
    return LogReader(engine, AlertChange, CHANGES, where=lambda scope: in_scope(scope, AlertChange), make=_changed)


def _changed(cursor: LogCursor, row: AnyRow) -> AlertChanged:
    place = (row.county_id, row.town_id, row.community_id, row.compound_id)
    return AlertChanged(cursor, *place, row.change, row.at, facts_in(row.snapshot))
