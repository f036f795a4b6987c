"""What identity keeps too long, forgotten in bounded batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from domain.identity.authenticators.models import Authenticator, EnrolmentCode
from domain.identity.authenticators.rules import PENDING_LIFE
from domain.identity.models import RateLimit, RefreshToken, SentMessage, Session, SignInCode
from domain.identity.rules import REFRESH_IDLE
from domain.kernel.uow import UnitOfWork

SESSIONS_KEPT = timedelta(days=30)


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


async def forget_enrolments(uow: UnitOfWork, *, limit: int) -> int:
    """Delete authenticators that were not confirmed in time."""
    over = Authenticator.confirmed_at.is_(None) & (Authenticator.created_at <= uow.now - PENDING_LIFE)
    return await _forget(uow, (Authenticator.account_id,), over, limit)


async def forget_enrolment_codes(uow: UnitOfWork, *, limit: int) -> int:
    """Delete enrolment codes that nobody used in time."""
    return await _forget(uow, (EnrolmentCode.account_id,), EnrolmentCode.expires_at <= uow.now, limit)


async def forget_sent(uow: UnitOfWork, *, limit: int, after: timedelta = timedelta(days=1)) -> int:
    """Delete messages that the local adapters "sent" longer than ``after`` ago."""
    return await _forget(uow, (SentMessage.id,), SentMessage.created_at < uow.now - after, limit)


async def forget_allowances(uow: UnitOfWork, *, limit: int) -> int:
    """Delete rate limit rows whose allowance is full again: they mean nothing any more."""
    return await _forget(uow, (RateLimit.name, RateLimit.subject), RateLimit.full_at <= uow.now, limit)


async def forget_sessions(uow: UnitOfWork, *, limit: int) -> int:
    """Delete sign-ins that ended or expired 30 days ago; their refresh tokens go with them."""
    line = uow.now - SESSIONS_KEPT
    return await _forget(uow, (Session.id,), or_(Session.ended_at < line, Session.expires_at < line), limit)


async def forget_refresh_tokens(uow: UnitOfWork, *, limit: int) -> int:
    """Delete links of chains that go on, older than a link may be idle: presented again they are refused either way.

    Ids rise with time, so the oldest stand first and a run looks at no more than ``limit`` rows.
    """
    oldest = (
        select(RefreshToken.id, RefreshToken.created_at)
        .order_by(RefreshToken.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .subquery()
    )
    old = select(oldest.c.id).where(oldest.c.created_at <= uow.now - REFRESH_IDLE)
    gone = await uow.session.execute(
        delete(RefreshToken)
        .where(RefreshToken.id.in_(old))
        .returning(RefreshToken.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
