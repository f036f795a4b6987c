"""The outbox as a queue: claiming under a lease, marking, dead letters, figures. The loop itself is a worker's.

A claim moves ``due_at`` to the end of the lease, so a row whose worker died comes back by itself. ``attempts`` rises
with every claim; together with ``leased_until`` it proves at marking time that the claim is still the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.kernel.outbox import Handled, OutboxEvent
from domain.kernel.uow import Reader, UnitOfWork

MOST_ERROR_TEXT = 500


@dataclass(frozen=True, slots=True)
class Claimed:
    """An outbox event in this worker's hands until ``leased_until``; ``attempts`` counts this one too."""

    id: int
    name: str
    compound_id: int | None
    payload: dict[str, Any]
    created_at: datetime
    attempts: int
    leased_until: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was given up; ``last_error`` says where it failed, without the data it failed on."""

    id: int
    name: str
    compound_id: int | None
    created_at: datetime
    attempts: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class OutboxFigures:
    """pending: not yet done. oldest_seconds: age of the oldest of them, 0 when none. dead: given up."""

    pending: int
    oldest_seconds: float
    dead: int


async def claim(uow: UnitOfWork, names: Sequence[str], *, limit: int, lease: timedelta) -> list[Claimed]:
    """Take up to ``limit`` due events, oldest first, for the time of ``lease``; rows in other hands are stepped over.

    Only events called ``names`` are taken: an older worker leaves a newer version's events alone.
    """
    due = (
        select(OutboxEvent.id)
        .where(OutboxEvent.state == "pending", OutboxEvent.due_at <= uow.now, OutboxEvent.name.in_(names))
        .order_by(OutboxEvent.due_at, OutboxEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED")
    )
    until = uow.now + lease
    taken = (
        update(OutboxEvent)
        .where(OutboxEvent.id == due.c.id)
        .values(attempts=OutboxEvent.attempts + 1, leased_until=until, due_at=until)
        .returning(
            OutboxEvent.id,
            OutboxEvent.name,
            OutboxEvent.compound_id,
            OutboxEvent.payload,
            OutboxEvent.created_at,
            OutboxEvent.attempts,
            OutboxEvent.leased_until,
        )
        .execution_options(synchronize_session=False)
    )
    rows = (await uow.session.execute(taken)).all()
    return sorted((Claimed(*row) for row in rows), key=lambda claimed: claimed.id)


async def _mark(uow: UnitOfWork, claimed: Claimed, **values: Any) -> bool:
    marked = await uow.session.execute(
        update(OutboxEvent)
        .where(
            OutboxEvent.id == claimed.id,
            OutboxEvent.state == "pending",
            OutboxEvent.attempts == claimed.attempts,
            OutboxEvent.leased_until == claimed.leased_until,
        )
        .values(leased_until=None, **values)
        .returning(OutboxEvent.id)
        .execution_options(synchronize_session=False)
    )
    return marked.first() is not None


async def mark_done(uow: UnitOfWork, claimed: Claimed) -> bool:
    """The event is done. False: the lease had passed and somebody else has the row."""
    return await _mark(uow, claimed, state="done", last_error=None)


async def put_back(uow: UnitOfWork, claimed: Claimed, *, delay: timedelta, error: str) -> bool:
    """Try the event again after ``delay``. False: the lease had passed."""
    return await _mark(uow, claimed, due_at=uow.now + delay, last_error=error[:MOST_ERROR_TEXT])


async def bury(uow: UnitOfWork, claimed: Claimed, *, error: str) -> bool:
    """Give the event up: it becomes a dead letter. False: the lease had passed."""
    return await _mark(uow, claimed, state="dead", last_error=error[:MOST_ERROR_TEXT])


async def begin_handling(uow: UnitOfWork, event_id: int, handler: str) -> bool:
    """Record in the handler's own unit of work that it handles the event now. False: it already has.

    Two workers on one event: the second waits here for the first one's commit or rollback.
    """
    recorded = await uow.session.execute(
        insert(Handled)
        .values(event_id=event_id, handler=handler, handled_at=uow.now)
        .on_conflict_do_nothing()
        .returning(Handled.event_id)
    )
    return recorded.first() is not None


async def was_handled(uow: UnitOfWork, event_id: int, handler: str) -> bool:
    """Whether the handler has done its work for the event."""
    found = await uow.session.execute(select(exists().where(Handled.event_id == event_id, Handled.handler == handler)))
    return bool(found.scalar_one())


async def dead_letters(reader: Reader, *, first: int = 20, after: int = 0) -> list[DeadLetter]:
    """Events that were given up, oldest first, from behind id ``after``."""
    rows = await reader.rows(
        select(
            OutboxEvent.id,
            OutboxEvent.name,
            OutboxEvent.compound_id,
            OutboxEvent.created_at,
            OutboxEvent.attempts,
            OutboxEvent.last_error,
        )
        .where(OutboxEvent.state == "dead", OutboxEvent.id > after)
        .order_by(OutboxEvent.id)
        .limit(first)
    )
    return [DeadLetter(*row) for row in rows]


async def retry_dead(uow: UnitOfWork, event_ids: Sequence[int] | None = None) -> int:
    """Give dead letters (all, or those named) a fresh set of attempts; what was handled stays handled."""
    revived = await uow.session.execute(
        update(OutboxEvent)
        .where(OutboxEvent.state == "dead", *([] if event_ids is None else [OutboxEvent.id.in_(event_ids)]))
        .values(state="pending", attempts=0, due_at=uow.now)
        .returning(OutboxEvent.id)
        .execution_options(synchronize_session=False)
    )
    count = len(revived.all())
    if count:
        uow.tell("outbox")
    return count


async def figures(reader: Reader, now: datetime) -> OutboxFigures:
    """The queue in numbers, for metrics and ``zhian doctor``."""
    pending = OutboxEvent.state == "pending"
    row = await reader.row(
        select(
            select(func.count()).where(pending).scalar_subquery(),
            select(func.min(OutboxEvent.created_at)).where(pending).scalar_subquery(),
            select(func.count()).where(OutboxEvent.state == "dead").scalar_subquery(),
        )
    )
    assert row is not None  # noqa: S101 - a select without from always answers
    waiting, oldest, dead = row
    age = 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())
    return OutboxFigures(pending=waiting, oldest_seconds=age, dead=dead)


async def forget_done(uow: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` done events written before ``before``, with what was recorded as handled of them."""
    oldest = (
        select(OutboxEvent.id, OutboxEvent.created_at)
        .where(OutboxEvent.state == "done")
        .order_by(OutboxEvent.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .subquery()
    )
    old = select(oldest.c.id).where(oldest.c.created_at < before)
    gone = await uow.session.execute(
        delete(OutboxEvent)
        .where(OutboxEvent.id.in_(old))
        .returning(OutboxEvent.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
