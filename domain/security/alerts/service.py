"""Commands on alerts: acknowledge, resolve, assign. Each change is one conditional update and one entry in the log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity.models import RoleGrant
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork
from domain.security.alerts import raising
from domain.security.alerts.errors import AlreadyAcknowledged, AlreadyCleared, NotResponsible
from domain.security.alerts.models import Alert
from domain.security.alerts.policies import may_assign, may_resolve, sight_of, visible
from domain.security.alerts.raising import ALERT

MAX_NOTE = 500
Key = tuple[int, int]
"""Compound id and alert id."""


def _is(key: Key) -> tuple[Any, ...]:
    return (Alert.compound_id == key[0], Alert.id == key[1])


async def _seen(connection: AsyncConnection, uow: UnitOfWork, key: Key) -> Row[Any]:
    """The alert, which the actor sees. Raises NotFound."""
    found = await connection.execute(select(*ALERT.c).where(*_is(key), visible(sight_of(uow.actor))))
    row = found.first()
    if row is None:
        raise NotFound(field="id")
    return row


async def _change(
    connection: AsyncConnection, uow: UnitOfWork, change: str, where: tuple[Any, ...], **values: Any
) -> bool:
    """Update the alert that matches ``where`` and log it; False when none does any more."""
    changed = await connection.execute(
        update(Alert).where(*where).values(updated_at=uow.now, **values).returning(*ALERT.c)
    )
    row = changed.first()
    if row is not None:
        await raising.log_change(connection, row, change, uow.now)
        _record(uow, f"alert.{change}", row, **({"account": row.assigned_to} if change == "assigned" else {}))
        uow.tell("alerts", compound_id=row.compound_id)
    return row is not None


def _record(uow: UnitOfWork, action: str, alert: Row[Any], **details: Any) -> None:
    homes = () if alert.home_id is None else (alert.home_id,)
    said = {"kind": alert.kind, **details}
    uow.record(action, "Alert", f"{alert.compound_id}.{alert.id}", where=alert, homes=homes, details=said)


async def acknowledge_alert(uow: UnitOfWork, *, key: Key) -> None:
    """The actor has taken notice, also of an alert that is over. Doing it twice changes nothing.

    Raises NotFound, AlreadyAcknowledged (by somebody else).
    """
    connection = await uow.session.connection()
    await _seen(connection, uow, key)
    by = uow.actor.account_id
    open_ = (*_is(key), Alert.acknowledged_at.is_(None))
    if await _change(connection, uow, "acknowledged", open_, acknowledged_at=uow.now, acknowledged_by=by):
        return
    if (await _seen(connection, uow, key)).acknowledged_by != by:
        raise AlreadyAcknowledged


async def resolve_alert(uow: UnitOfWork, *, key: Key, note: str) -> None:
    """Clear the alert with a note of what was done.

    Raises NotFound, Forbidden, InvalidText, AlreadyCleared.
    """
    said = words(note, field="note", least=1, most=MAX_NOTE, lines=True)
    connection = await uow.session.connection()
    if not may_resolve(uow.actor, await _seen(connection, uow, key)):
        raise Forbidden
    cleared = await raising.clear(
        connection, _is(key), because="resolved", now=uow.now, by=uow.actor.account_id, note=said
    )
    if not cleared:
        raise AlreadyCleared
    _record(uow, "alert.resolved", cleared[0])
    uow.tell("alerts", compound_id=key[0])


async def assign_alert(uow: UnitOfWork, *, key: Key, account_id: int) -> None:
    """Let ``account_id`` deal with the alert. Assigning the same person again changes nothing.

    Raises NotFound, Forbidden, NotResponsible, AlreadyCleared.
    """
    connection = await uow.session.connection()
    alert = await _seen(connection, uow, key)
    if not may_assign(uow.actor, alert):
        raise Forbidden
    if not await _is_responsible(connection, account_id, alert):
        raise NotResponsible(field="account")
    other = or_(Alert.assigned_to.is_(None), Alert.assigned_to != account_id)
    where = (*_is(key), Alert.cleared_at.is_(None), other)
    if await _change(connection, uow, "assigned", where, assigned_to=account_id):
        return
    if (await _seen(connection, uow, key)).cleared_at is not None:
        raise AlreadyCleared


async def _is_responsible(connection: AsyncConnection, account_id: int, alert: Row[Any]) -> bool:
    """Whether the account holds a role over the alert's place, among the grants the actor may see."""
    places = (alert.compound_id, alert.community_id, alert.town_id, alert.county_id)
    held = await connection.execute(
        select(RoleGrant.id)
        .where(RoleGrant.account_id == account_id, RoleGrant.area_id.in_(places), RoleGrant.revoked_at.is_(None))
        .limit(1)
    )
    return held.first() is not None
