"""Raises and clears alerts inside the transaction that stores their cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel import bulk
from domain.security.alerts.events import AlertRaised
from domain.security.alerts.models import Alert, AlertChange
from domain.security.alerts.rules import Clear, Finding, Raise
from domain.security.devices.directory import DeviceRef

ALERT = Alert.__table__
NEVER_SHOWN = ("county_id", "town_id", "community_id")


WORSE = ", ".join(
    f"{name} = case when excluded.severity > alert.severity then excluded.{name} else alert.{name} end"
    for name in ("severity", "audience", "explanation", "event_id", "event_at", "device_id", "place")
)
# The alert, the log entry that feeds read, and who must be told: one round trip while others wait for the commit.
RAISE = f"""
with up as (
  insert into alert (county_id, town_id, community_id, compound_id, source, kind, severity, device_id, home_id, place,
                     audience, explanation, event_id, event_at, raised_at, updated_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb, $12::text::jsonb, $13, $14, $15, $15)
  on conflict (compound_id, source, kind) where cleared_at is null
  do update set times = alert.times + 1, updated_at = excluded.updated_at, {WORSE}
  returning alert.*, old.severity as was
), said as (
  select *, case when was is null then 'raised' when severity > was then 'risen' else 'repeated' end as change from up
), logged as (
  insert into alert_change (county_id, town_id, community_id, compound_id, home_id, alert_id, change, at, snapshot)
  select county_id, town_id, community_id, compound_id, home_id, id, change, $15,
         to_jsonb(said) - '{{county_id,town_id,community_id,was,change}}'::text[]
  from said where change <> 'repeated'
), told as (
  insert into outbox_event (name, compound_id, payload, created_at, due_at)
  select $16, compound_id, jsonb_build_object('alert_id', id, 'change', change, 'compound_id', compound_id), $15, $15
  from said where change <> 'repeated'
)
select change from said
"""  # noqa: S608 - names from the list above


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
    change: str = await bulk.run(
        connection,
        RAISE,
        device.county_id,
        device.town_id,
        device.community_id,
        device.compound_id,
        finding.source or f"device:{device.id}",
        str(finding.kind),
        finding.severity.rank,
        device.id,
        finding.home_id or device.home_id,
        device.place,
        orjson.dumps(finding.audience).decode(),
        orjson.dumps(explanation, default=str).decode(),
        cause.event_id,
        cause.event_at,
        now,
        AlertRaised.name,
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
