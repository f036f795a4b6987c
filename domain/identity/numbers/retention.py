"""Moves of numbers that are over, forgotten in bounded batches; the audit log keeps that they were."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from domain.identity.numbers.models import NumberMove
from domain.kernel.uow import UnitOfWork

MOVES_KEPT = timedelta(days=30)


async def forget_moves(uow: UnitOfWork, *, limit: int) -> int:
    """Delete moves that expired 30 days ago, however they ended."""
    old = (
        select(NumberMove.id)
        .where(NumberMove.expires_at < uow.now - MOVES_KEPT)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = await uow.session.execute(delete(NumberMove).where(NumberMove.id.in_(old)).returning(NumberMove.id))
    return len(gone.all())
