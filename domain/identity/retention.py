"""What identity keeps too long, forgotten in bounded batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from domain.identity.models import RateLimit, SentMessage, SignInCode
from domain.kernel.uow import UnitOfWork


async def _forget(
    uow: UnitOfWork, key: tuple[InstrumentedAttribute[Any], ...], over: ColumnElement[bool], limit: int
) -> int:
    old = select(*key).where(over).limit(limit).with_for_update(skip_locked=True)
    gone = await uow.session.execute(
        delete(key[0].class_)
        .where(tuple_(*key).in_(old))
        .returning(key[0])
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


async def forget_codes(uow: UnitOfWork, *, limit: int) -> int:
    """Delete one-time codes that were used or have expired."""
    over = or_(SignInCode.used_at.is_not(None), SignInCode.expires_at <= uow.now)
    return await _forget(uow, (SignInCode.id,), over, limit)


async def forget_sent(uow: UnitOfWork, *, limit: int, after: timedelta = timedelta(days=1)) -> int:
    """Delete messages that the local adapters "sent" longer than ``after`` ago."""
    return await _forget(uow, (SentMessage.id,), SentMessage.created_at < uow.now - after, limit)


async def forget_allowances(uow: UnitOfWork, *, limit: int) -> int:
    """Delete rate limit rows whose allowance is full again: they mean nothing any more."""
    return await _forget(uow, (RateLimit.name, RateLimit.subject), RateLimit.full_at <= uow.now, limit)
