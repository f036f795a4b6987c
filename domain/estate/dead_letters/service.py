"""Trying again what was given up."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from domain.estate.dead_letters.errors import TooManyLetters
from domain.estate.dead_letters.policies import of_operated_counties
from domain.kernel import relay
from domain.kernel.outbox import OutboxEvent
from domain.kernel.paging import MAX_PAGE
from domain.kernel.uow import UnitOfWork


async def retry_letters(uow: UnitOfWork, *, ids: Sequence[int]) -> int:
    """Give the dead letters ``ids`` a fresh set of attempts; how many. What their handlers have done stays done.

    Ids out of sight, unknown or no longer dead count for nothing, alike. Raises TooManyLetters.
    """
    if len(ids) > MAX_PAGE:
        raise TooManyLetters(field="ids", most=MAX_PAGE)
    seen = await uow.session.execute(
        select(OutboxEvent.id).where(OutboxEvent.id.in_(ids), of_operated_counties(uow.actor))
    )
    return await relay.retry_dead(uow, list(seen.scalars()))
