"""An alert as it is read, whether from its row or from a snapshot in the log of changes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.kernel.paging import LogCursor


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """The columns of an alert; ``severity`` is the rank 1..4."""

    id: int
    compound_id: int
    kind: str
    severity: int
    device_id: int | None
    home_id: int | None
    place: str
    audience: tuple[str, ...]
    explanation: dict[str, Any]
    event_id: int | None
    event_at: datetime | None
    times: int
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: int | None
    assigned_to: int | None
    cleared_at: datetime | None
    cleared_by: int | None
    cleared_because: str | None
    note: str | None


NAMES = tuple(AlertFacts.__slots__)
_INSTANTS = ("event_at", "raised_at", "acknowledged_at", "cleared_at")


def facts_of(row: Any) -> AlertFacts:
    """The facts in a row that carries the columns by name."""
    return AlertFacts(**{name: getattr(row, name) for name in NAMES} | {"audience": tuple(row.audience)})


def facts_in(snapshot: dict[str, Any]) -> AlertFacts:
    """The facts in a snapshot, whose instants are ISO 8601 texts."""
    values = {name: snapshot[name] for name in NAMES}
    for name in _INSTANTS:
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    return AlertFacts(**values | {"audience": tuple(values["audience"])})


@dataclass(frozen=True, slots=True)
class AlertChanged:
    """One item of the log of changes: where it stands in the log and in the estate, and the alert as it was then."""

    cursor: LogCursor
    county_id: int
    town_id: int
    community_id: int
    compound_id: int
    change: str
    at: datetime
    facts: AlertFacts

    @property
    def home_id(self) -> int | None:
        """The alert's home."""
        return self.facts.home_id

    @property
    def over_at(self) -> datetime:
        """When the change happened: who moves into the home later is not told of it."""
        return self.at

    @property
    def audience(self) -> tuple[str, ...]:
        """Who is told."""
        return self.facts.audience
