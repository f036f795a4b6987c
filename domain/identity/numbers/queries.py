"""Reads of the caller's own number."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from domain.identity.numbers.models import NumberMove
from domain.kernel.actor import Actor
from domain.kernel.uow import AnyRow, Reader


async def own_move(reader: Reader, actor: Actor, now: datetime) -> AnyRow | None:
    """``asked_at`` and ``expires_at`` of the open move of the caller's account; None when nobody asked for one."""
    return await reader.row(
        select(NumberMove.asked_at, NumberMove.expires_at).where(
            NumberMove.account_id == actor.account_id, NumberMove.closed_at.is_(None), NumberMove.expires_at > now
        )
    )
