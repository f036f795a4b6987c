"""Instant rules inside the ingest transaction: fresh, live records become alerts before anybody is acknowledged.

Each rule runs in a savepoint of its own: one that fails costs no event, its candidates wait in ``rule_retry``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel import bulk
from domain.security.alerts import raising, rules
from domain.security.alerts.models import AlertKind, Severity
from domain.security.alerts.raising import Cause
from domain.security.alerts.rules import STAFF, Finding, Raise
from domain.security.devices.observation import EventKind
from domain.security.ebikes.rules import TaggedBike, moved
from domain.security.events.models import Event, RuleRetry
from domain.security.events.rows import Row
from domain.security.sightings.service import TagVisit

log = structlog.get_logger(__name__)

Bikes = dict[str, TaggedBike]
Step = Callable[[], Awaitable[bool]]

REFUSALS = 3
REFUSAL_WINDOW = timedelta(minutes=5)
UNKNOWN = ("unknown_person", "unknown_card")


async def judge(
    connection: AsyncConnection, fresh: Sequence[Row], visits: Sequence[TagVisit], bikes: Bikes, now: datetime
) -> bool:
    """Run every instant rule that has a candidate; True when an alert was raised, rose or was cleared."""
    changed = False
    live = [row for row in fresh if not row.late and row.is_event]
    findings = [(row, found) for row in live if (found := rules.judge(row.observation, row.device))]
    if findings:
        causes = [cause_of(row) for row, _ in findings]
        changed |= await _guarded(connection, "condition", causes, lambda: conditions(connection, findings, now))
    refused = [row for row in live if is_unknown_refusal(row)]
    if refused:
        causes = [cause_of(row) for row in refused]
        changed |= await _guarded(
            connection, "repeated_refusal", causes, lambda: repeated_refusals(connection, refused, now)
        )
    moving = [v for v in visits if not v.late and v.read.tag in bikes and bikes[v.read.tag].guarded]
    if moving:
        causes = [Cause(v.device, v.event_id, v.at) for v in moving]
        changed |= await _guarded(connection, "ebike_guard", causes, lambda: guard(connection, moving, bikes, now))
    return changed


async def _guarded(connection: AsyncConnection, rule: str, causes: Sequence[Cause], step: Step) -> bool:
    """Run one rule in a savepoint; when it fails, its candidates wait to be judged again."""
    await bulk.command(connection, "savepoint rule")
    try:
        changed = await step()
    except Exception as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        await bulk.command(connection, "rollback to savepoint rule")
        log.exception("instant_rule_failed", rule=rule, events=[c.event_id for c in causes])
        await _queue(connection, rule, causes, error)
        return False
    await bulk.command(connection, "release savepoint rule")
    return changed


async def _queue(connection: AsyncConnection, rule: str, causes: Iterable[Cause], error: Exception) -> None:
    rows = [
        {"rule": rule, "compound_id": c.device.compound_id, "event_id": c.event_id, "event_at": c.event_at}
        | {"error": f"{type(error).__name__}"}
        for c in causes
    ]
    await connection.execute(insert(RuleRetry).on_conflict_do_nothing(), rows)


def cause_of(row: Row) -> Cause:
    """The stored event of a row."""
    return Cause(row.device, row.event_id, row.at)


async def conditions(connection: AsyncConnection, findings: Iterable[tuple[Row, list[Finding]]], now: datetime) -> bool:
    """Findings that follow from the observation alone, in the order they came."""
    changed = False
    for row, found in findings:
        for finding in found:
            rule = str(row.observation.kind)
            change = await raising.apply(connection, rule, cause_of(row), finding, now)
            changed |= change not in (None, "repeated")
    return changed


def is_unknown_refusal(row: Row) -> bool:
    """An unknown person or card was refused."""
    said = row.observation.attributes
    return (
        row.observation.kind is EventKind.PASSAGE
        and said.get("decision") == "refused"
        and said.get("reason") in UNKNOWN
    )


async def repeated_refusals(connection: AsyncConnection, rows: Iterable[Row], now: datetime) -> bool:
    """Unknown people refused at one gate three times within five minutes."""
    changed = False
    for row in {row.device.id: row for row in rows}.values():
        said: Any = Event.attributes
        count = (
            await connection.execute(
                select(func.count()).where(
                    Event.device_id == row.device.id,
                    Event.at > row.at - REFUSAL_WINDOW,
                    Event.kind == EventKind.PASSAGE.value,
                    said["decision"].astext == "refused",
                    said["reason"].astext.in_(UNKNOWN),
                    Event.late.is_(False),
                )
            )
        ).scalar_one()
        if count >= REFUSALS:
            because = {"refusals": count, "minutes": REFUSAL_WINDOW.seconds // 60, "limit": REFUSALS}
            words = ("陌生人多次被拒绝通行", "Unknown person refused repeatedly")
            finding = Raise(AlertKind.REPEATED_REFUSAL, Severity.WARNING, (STAFF,), because, words)
            change = await raising.apply(connection, "repeated_refusal", cause_of(row), finding, now)
            changed |= change != "repeated"
    return changed


async def guard(connection: AsyncConnection, visits: Iterable[TagVisit], bikes: Bikes, now: datetime) -> bool:
    """Guarded e-bikes that move or leave."""
    changed = False
    for visit in visits:
        finding = moved(bikes[visit.read.tag], visit.device, visit.phase)
        if finding is not None:
            cause = Cause(visit.device, visit.event_id, visit.at)
            changed |= await raising.apply(connection, "ebike_guard", cause, finding, now) != "repeated"
    return changed
