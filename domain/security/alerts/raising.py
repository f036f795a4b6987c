"""Raises and clears alerts inside the transaction that stores their cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, insert, literal_column, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel.outbox import OutboxEvent
from domain.security.alerts.events import AlertRaised
from domain.security.alerts.models import Alert, AlertChange
from domain.security.alerts.rules import Clear, Finding, Raise
from domain.security.devices.directory import DeviceRef

ALERT = Alert.__table__
NEVER_SHOWN = ("county_id", "town_id", "community_id")


@dataclass(frozen=True, slots=True)
class Cause:
    """The stored event behind a finding."""

    device: DeviceRef
    event_id: int
    event_at: datetime


async def apply(connection: AsyncConnection, rule: str, cause: Cause, finding: Finding, now: datetime) -> str | None:
    """Carry out one finding; what changed ("raised", "risen", "repeated", "cleared"), or None when nothing did."""
    if isinstance(finding, Clear):
        source = finding.source or f"device:{cause.device.id}"
        where = (Alert.compound_id == cause.device.compound_id, Alert.source == source)
        rows = await clear(connection, (*where, Alert.kind == finding.kind), because=finding.because, now=now)
        return "cleared" if rows else None
    return await _raise(connection, rule, cause, finding, now)


async def _raise(connection: AsyncConnection, rule: str, cause: Cause, finding: Raise, now: datetime) -> str:
    device = cause.device
    explanation = {"rule": rule, "because": finding.because, "zh-CN": finding.words[0], "en": finding.words[1]}
    statement = upsert(Alert).values(
        county_id=device.county_id,
        town_id=device.town_id,
        community_id=device.community_id,
        compound_id=device.compound_id,
        source=finding.source or f"device:{device.id}",
        kind=finding.kind,
        severity=finding.severity.rank,
        device_id=device.id,
        home_id=finding.home_id or device.home_id,
        place=device.place,
        audience=list(finding.audience),
        explanation=explanation,
        event_id=cause.event_id,
        event_at=cause.event_at,
        raised_at=now,
        updated_at=now,
    )
    new, worse = statement.excluded, statement.excluded.severity > Alert.severity
    taken = {
        name: case((worse, new[name]), else_=ALERT.c[name])
        for name in ("severity", "audience", "explanation", "event_id", "event_at", "device_id", "place")
    }
    row = (
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["compound_id", "source", "kind"],
                index_where=Alert.cleared_at.is_(None),
                set_=taken | {"times": Alert.times + 1, "updated_at": now},
            ).returning(*ALERT.c, literal_column("old.severity").label("was"))
        )
    ).one()
    if row.was is not None and row.severity == row.was:
        return "repeated"
    change = "raised" if row.was is None else "risen"
    await log_change(connection, row, change, now)
    said = AlertRaised(alert_id=row.id, change=change, compound_id=row.compound_id)
    await connection.execute(
        insert(OutboxEvent).values(
            name=said.name, compound_id=row.compound_id, payload=said.payload(), created_at=now, due_at=now
        )
    )
    return change


async def clear(
    connection: AsyncConnection,
    where: tuple[Any, ...],
    *,
    because: str,
    now: datetime,
    by: int | None = None,
    note: str | None = None,
) -> list[Row[Any]]:
    """Clear the open alerts that match ``where`` and log each; the rows as they are now.

    ``by``, ``note``: the account that cleared them, and what it says was done; None when a rule did.
    """
    statement = (
        update(Alert)
        .where(*where, Alert.cleared_at.is_(None))
        .values(cleared_at=now, cleared_by=by, cleared_because=because, note=note, updated_at=now)
        .returning(*ALERT.c)
    )
    rows = (await connection.execute(statement)).all()
    for row in rows:
        await log_change(connection, row, "cleared", now)
    return list(rows)


async def log_change(connection: AsyncConnection, row: Row[Any], change: str, now: datetime) -> None:
    """Append one change, with the alert as it is now, to the log that feeds read."""
    shown = {k: v for k, v in row._mapping.items() if k in ALERT.c and k not in NEVER_SHOWN}  # noqa: SLF001 - public by name
    await connection.execute(
        insert(AlertChange).values(
            county_id=row.county_id,
            town_id=row.town_id,
            community_id=row.community_id,
            compound_id=row.compound_id,
            home_id=row.home_id,
            alert_id=row.id,
            change=change,
            at=now,
            snapshot=shown,
        )
    )
