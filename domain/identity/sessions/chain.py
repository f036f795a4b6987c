"""The chain of refresh tokens of a session: each is traded once for its successor.

A traded token that comes back ends the session: somebody else holds a copy. One exception: the immediate predecessor,
within ``REFRESH_GRACE`` of its trade and as long as its successor is unused, gets the same successor again, for the
answer may have been lost on the way or two tabs asked at once.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from domain.identity.errors import SessionEnded
from domain.identity.models import Account, RefreshToken, Session
from domain.identity.ports import Vault
from domain.identity.rules import REFRESH_GRACE, REFRESH_IDLE
from domain.identity.sessions.refusals import record_refused_refresh
from domain.kernel.errors import DomainError
from domain.kernel.uow import UnitOfWork

PREFIX = "zhr_"
REUSE = "reuse"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The session continues with ``refresh_token``."""

    account_id: int
    session_id: int
    token_version: int
    refresh_token: str


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _place(token_id: int) -> str:
    return f"refresh_token|successor|{token_id}"


async def first_token(uow: UnitOfWork, session_id: int) -> str:
    """A new link of the session's chain."""
    token, _ = await _new(uow, session_id)
    return token


async def _new(uow: UnitOfWork, session_id: int) -> tuple[str, int]:
    token = PREFIX + secrets.token_urlsafe(32)
    row = {"session_id": session_id, "token_hash": _digest(token), "created_at": uow.now}
    token_id = (await uow.session.execute(insert(RefreshToken).values(row).returning(RefreshToken.id))).scalar_one()
    return token, token_id


async def _locked_session(uow: UnitOfWork, digest: bytes) -> Any:
    """The token's session, locked, or None: trades of one chain happen one after another."""
    return (
        await uow.session.execute(
            select(Session.id, Session.account_id, Session.ended_at, Session.expires_at)
            .join(RefreshToken, RefreshToken.session_id == Session.id)
            .where(RefreshToken.token_hash == digest)
            .with_for_update(of=Session)
        )
    ).first()


async def refresh(uow: UnitOfWork, *, vault: Vault, token: str) -> Refreshed | DomainError:
    """Trade ``token`` for its successor. Returns SessionEnded when it is unknown, expired or came back too late.

    The caller commits even then: a reused token has ended the session.
    """
    digest = _digest(token)
    session = await _locked_session(uow, digest)
    if session is None:
        return SessionEnded()
    if session.ended_at is not None or session.expires_at <= uow.now:
        await record_refused_refresh(uow, vault=vault, session=session, reason="ended")
        return SessionEnded()
    account = (
        await uow.session.execute(
            select(Account.token_version, Account.disabled_at).where(Account.id == session.account_id)
        )
    ).one()
    # Read after the lock: another trade of this chain may just have committed.
    link = (await uow.session.execute(select(RefreshToken).where(RefreshToken.token_hash == digest))).scalar_one()
    if account.disabled_at is not None or link.created_at + REFRESH_IDLE <= uow.now:
        reason = "idle" if account.disabled_at is None else "disabled"
        await record_refused_refresh(uow, vault=vault, session=session, reason=reason)
        return SessionEnded()
    if link.traded_at is None:
        successor = await _trade(uow, vault, link)
    elif (again := await _same_successor(uow, vault, link)) is not None:
        successor = again
    else:
        await end_session(uow, session.id, session.account_id, reason=REUSE)
        return SessionEnded()
    return Refreshed(session.account_id, session.id, account.token_version, successor)


async def _trade(uow: UnitOfWork, vault: Vault, link: RefreshToken) -> str:
    token, token_id = await _new(uow, link.session_id)
    # Predecessors of this link can no longer ask for their successor: forget it.
    await uow.session.execute(
        update(RefreshToken)
        .where(RefreshToken.session_id == link.session_id, RefreshToken.successor_sealed.is_not(None))
        .values(successor_sealed=None)
    )
    await uow.session.execute(
        update(RefreshToken)
        .where(RefreshToken.id == link.id)
        .values(traded_at=uow.now, successor_id=token_id, successor_sealed=vault.seal(token, _place(link.id)))
    )
    return token


async def _same_successor(uow: UnitOfWork, vault: Vault, link: RefreshToken) -> str | None:
    """The successor given before, if ``link`` is the immediate predecessor and still within the grace period."""
    traded_at: datetime | None = link.traded_at
    if traded_at is None or link.successor_sealed is None or uow.now > traded_at + REFRESH_GRACE:
        return None
    return await vault.open(link.successor_sealed, _place(link.id))


async def end_session(uow: UnitOfWork, session_id: int, account_id: int, *, reason: str) -> bool:
    """End one session of the account; its tokens and sockets end with it. False: there is none that stands."""
    ended = await uow.session.execute(
        update(Session)
        .where(Session.id == session_id, Session.account_id == account_id, Session.ended_at.is_(None))
        .values(ended_at=uow.now, end_reason=reason)
        .returning(Session.id)
    )
    uow.tell("access", account_id=account_id)
    standing = ended.first() is not None
    if standing:
        action = "session.reuse_refused" if reason == REUSE else "session.ended"
        uow.record(action, "Session", session_id, account_id=account_id)
    return standing


async def end_other_sessions(uow: UnitOfWork, account_id: int, *, reason: str) -> None:
    """End every session of the account but the actor's own: what decides who may sign in has changed."""
    ended = await uow.session.execute(
        update(Session)
        .where(Session.account_id == account_id, Session.ended_at.is_(None), Session.id != uow.actor.session_id)
        .values(ended_at=uow.now, end_reason=reason)
        .returning(Session.id)
    )
    uow.tell("access", account_id=account_id)
    for session_id in sorted(ended.scalars()):
        uow.record("session.ended", "Session", session_id, account_id=account_id)


async def end_all_sessions(uow: UnitOfWork, account_id: int, *, reason: str) -> None:
    """The account signs out everywhere: see ``end_every_session``."""
    await end_every_session(uow, account_id, reason=reason)
    uow.record("session.ended_everywhere", "Account", account_id, account_id=account_id)


async def end_every_session(uow: UnitOfWork, account_id: int, *, reason: str) -> int:
    """End every session of the account, and every token issued so far by raising the token version; the number of
    sessions that stood. Whoever asks for it puts it on record."""
    await uow.session.execute(
        update(Account).where(Account.id == account_id).values(token_version=Account.token_version + 1)
    )
    ended = await uow.session.execute(
        update(Session)
        .where(Session.account_id == account_id, Session.ended_at.is_(None))
        .values(ended_at=uow.now, end_reason=reason)
        .returning(Session.expires_at)
    )
    uow.tell("access", account_id=account_id)
    return sum(expires_at > uow.now for expires_at in ended.scalars())
