"""Judges events again whose instant rule failed; what has happened since decides whether it still matters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Row, and_, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity.ports import Vault
from domain.kernel.uow import UnitOfWork
from domain.security.alerts import rules
from domain.security.alerts.rules import Finding
from domain.security.devices.directory import DeviceRef
from domain.security.devices.observation import EventKind, Observation
from domain.security.devices.refs import refs_by_id
from domain.security.ebikes.tags import bikes_of
from domain.security.events import instant
from domain.security.events.models import Event, RuleRetry
from domain.security.events.rows import Row as Record
from domain.security.events.sealed import attributes_of
from domain.security.sightings.rules import Read
from domain.security.sightings.service import TagVisit

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 10
"""After so many the row stays, not done: a person must look."""
LATER = 200
"""How many later events of the device are looked at."""
TOO_OLD = timedelta(hours=24)
"""An event this old raises nothing new: it is history."""
SAID = (Event.compound_id, Event.id, Event.attributes, Event.personal)
"""What ``attributes_of`` needs."""


async def retry_rules(uow: UnitOfWork, *, vault: Vault, most: int = 200) -> int:
    """Judge up to ``most`` waiting events again, each in a savepoint of its own; how many were judged to the end."""
    connection = await uow.session.connection()
    rows = await _waiting(connection, most)
    devices = await refs_by_id(connection, {row.device_id for row in rows if row.device_id is not None})
    done = 0
    for row in rows:
        device = devices.get(row.device_id)
        values: dict[str, Any] = {"attempts": row.attempts + 1}
        error = None
        if _is_judged(uow, row) and device is not None:
            error = await _judged(uow, vault, connection, row, device)
        if error is None:
            values |= {"done_at": uow.now}
            done += 1
        else:
            values |= {"error": error}
        await connection.execute(update(RuleRetry).where(RuleRetry.id == row.retry_id).values(values))
    return done


def _is_judged(uow: UnitOfWork, row: Row[Any]) -> bool:
    return row.event_id is not None and uow.now - row.at <= TOO_OLD


async def _waiting(connection: AsyncConnection, most: int) -> list[Row[Any]]:
    """Waiting rows, oldest first, with their events; rows in another worker's hands are stepped over."""
    key = and_(
        Event.compound_id == RuleRetry.compound_id, Event.at == RuleRetry.event_at, Event.id == RuleRetry.event_id
    )
    columns = (Event.device_id, Event.home_id, Event.kind, Event.at, Event.occurred_at, Event.received_at, Event.late)
    statement = (
        select(RuleRetry.id.label("retry_id"), RuleRetry.rule, RuleRetry.attempts)
        .add_columns(Event.id.label("event_id"), *columns, *SAID)
        .outerjoin(Event, key)
        .where(RuleRetry.done_at.is_(None), RuleRetry.attempts < MOST_ATTEMPTS)
        .order_by(RuleRetry.id)
        .limit(most)
        .with_for_update(of=RuleRetry, skip_locked=True)
    )
    return list((await connection.execute(statement)).all())


async def _judged(
    uow: UnitOfWork, vault: Vault, connection: AsyncConnection, row: Row[Any], device: DeviceRef
) -> str | None:
    """Judge one event again; the name of the error when it failed once more."""
    await connection.execute(text("savepoint retry"))
    try:
        changed = await _judge(uow, vault, connection, row, device)
    except Exception as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        await connection.execute(text("rollback to savepoint retry"))
        log.exception("instant_rule_failed_again", rule=row.rule, event_id=row.event_id, attempts=row.attempts + 1)
        return type(error).__name__
    await connection.execute(text("release savepoint retry"))
    if changed:
        uow.tell("alerts", compound_id=device.compound_id)
        uow.tell("outbox")
    return None


async def _judge(uow: UnitOfWork, vault: Vault, connection: AsyncConnection, row: Row[Any], device: DeviceRef) -> bool:
    record = await _record(vault, row, device)
    if row.rule == "repeated_refusal":
        return await instant.repeated_refusals(connection, [record], uow.now)
    if row.rule == "ebike_guard":
        if "tag" not in record.observation.attributes:
            return False  # its key was erased
        visit = _visit(record)
        bikes = await bikes_of(connection, vault, [visit.read.tag])
        return visit.read.tag in bikes and await instant.guard(connection, [visit], bikes, uow.now)
    found = rules.judge(record.observation, device)
    over = await _said_since(vault, connection, row, device)
    findings = [finding for finding in found if _about(finding) not in over]
    return await instant.conditions(connection, [(record, findings)], uow.now)


def _about(finding: Finding) -> tuple[str, str | None]:
    return finding.kind, finding.source


async def _said_since(
    vault: Vault, connection: AsyncConnection, row: Row[Any], device: DeviceRef
) -> set[tuple[str, str | None]]:
    """What later events of the device have raised or cleared: the later word counts."""
    later = await connection.execute(
        select(Event.kind, Event.at, Event.occurred_at, Event.received_at, Event.late, *SAID)
        .add_columns(Event.id.label("event_id"))
        .where(Event.device_id == device.id, Event.at > row.at, Event.late.is_(False))
        .order_by(Event.at.desc(), Event.id.desc())
        .limit(LATER)
    )
    records = [await _record(vault, each, device) for each in later]
    return {_about(finding) for record in records for finding in rules.judge(record.observation, device)}


async def _record(vault: Vault, row: Row[Any], device: DeviceRef) -> Record:
    """The event as it came in; a state's values stand among its attributes."""
    said = await attributes_of(vault, row)
    observation = Observation(EventKind(row.kind), None, row.occurred_at, said, late=row.late)
    return Record(device, observation, row.received_at, row.at, row.late, False, None, True, event_id=row.event_id)


def _visit(record: Record) -> TagVisit:
    """The enter or leave in a tag_read event."""
    said, at = record.observation.attributes, record.at
    read = Read(said["tag"], at, at, said.get("antenna"), said.get("rssi_dbm"), said.get("reads") or 1)
    return TagVisit(record.event_id, record.device, said["phase"], at, read)
