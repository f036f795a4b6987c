"""Spending rate limits: one row per limit and subject, one statement, no check before the act (GCRA)."""

from __future__ import annotations

import math

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import INTERVAL, insert

from domain.identity.models import RateLimit
from domain.identity.rules import Allowance
from domain.kernel.errors import Limited
from domain.kernel.uow import UnitOfWork


async def spend(uow: UnitOfWork, allowance: Allowance, subject: bytes) -> None:
    """Use one of ``subject``'s tries. Raises Limited when there is none; then nothing was used.

    Concurrent callers wait for each other on the row, so the limit holds exactly.
    """
    if not await has_left(uow, allowance, subject):
        full_at = (
            await uow.session.execute(
                select(RateLimit.full_at).where(RateLimit.name == allowance.name, RateLimit.subject == subject)
            )
        ).scalar_one()
        wait = full_at + allowance.every - uow.now - allowance.every * allowance.burst
        raise Limited(retry_after=max(1, math.ceil(wait.total_seconds())))


async def has_left(uow: UnitOfWork, allowance: Allowance, subject: bytes) -> bool:
    """Use one of ``subject``'s tries; False when there is none. As ``spend``."""
    every = literal(allowance.every, INTERVAL)
    next_full = func.greatest(RateLimit.full_at, uow.now) + every
    spent = await uow.session.execute(
        insert(RateLimit)
        .values(name=allowance.name, subject=subject, full_at=uow.now + allowance.every)
        .on_conflict_do_update(
            index_elements=["name", "subject"],
            set_={"full_at": next_full},
            where=next_full <= uow.now + allowance.every * allowance.burst,
        )
        .returning(RateLimit.full_at)
    )
    return spent.first() is not None
