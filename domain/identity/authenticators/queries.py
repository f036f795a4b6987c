"""Reads of the caller's own authenticator."""

from __future__ import annotations

from sqlalchemy import func, select

from domain.identity.authenticators.models import Authenticator, RecoveryCode
from domain.kernel.actor import Actor
from domain.kernel.uow import AnyRow, Reader


async def own_authenticator(reader: Reader, actor: Actor) -> AnyRow | None:
    """``confirmed_at`` and ``codes_left`` of the caller's authenticator; None until one is confirmed."""
    left = (
        select(func.count(RecoveryCode.id))
        .where(RecoveryCode.account_id == Authenticator.account_id)
        .correlate(Authenticator)
        .scalar_subquery()
    )
    return await reader.row(
        select(Authenticator.confirmed_at, left.label("codes_left")).where(
            Authenticator.account_id == actor.account_id, Authenticator.confirmed_at.is_not(None)
        )
    )
