"""Ending somebody else's sign-ins: a lost phone, a leaver, a stolen account."""

from __future__ import annotations

from domain.identity.keeping import kept, standing_of, ways_of
from domain.identity.policies import may_end_sessions
from domain.identity.rules import remark
from domain.identity.sessions.chain import end_every_session
from domain.kernel.errors import Forbidden
from domain.kernel.uow import UnitOfWork


async def end_sessions(uow: UnitOfWork, *, account_id: int, reason: str) -> int:
    """End all sign-ins of somebody the actor keeps; returns how many stood. ``reason`` stays in the audit log.

    Raises InvalidText, NumbersInWords, OwnRole, NotFound (out of sight), Forbidden (the actor keeps none of the places
    through which they see the person, or does not stand above all the person's roles).
    """
    why = remark(reason, field="reason")
    ways = await ways_of(uow, account_id)
    standing = await standing_of(uow, account_id)
    if not may_end_sessions(uow.actor, [way.place for way in ways], {role for role, _ in standing.roles}):
        raise Forbidden
    ended = await end_every_session(uow, account_id, reason="ended_by_keeper")
    where, homes = kept(uow.actor, ways)
    said = {"reason": why, "ended": ended}
    uow.record("session.ended_by_keeper", "Account", account_id, where=where, homes=homes, details=said)
    return ended
