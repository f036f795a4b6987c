"""Taking away the authenticator of somebody who lost it, and their recovery codes with it."""

from __future__ import annotations

from domain.identity.authenticators.errors import NoAuthenticator
from domain.identity.authenticators.service import drop
from domain.identity.events import AuthenticatorChanged
from domain.identity.keeping import kept, standing_of, ways_of
from domain.identity.policies import may_reset_authenticator
from domain.identity.rules import remark
from domain.identity.sessions.chain import end_every_session
from domain.kernel.errors import Forbidden
from domain.kernel.uow import UnitOfWork


async def reset(uow: UnitOfWork, *, account_id: int, reason: str) -> None:
    """Forget the authenticator of somebody the actor keeps in everything they are; all their sign-ins end, and their
    phones are told. ``reason`` stays in the audit log.

    Raises InvalidText, NumbersInWords, OwnRole, NotFound (out of sight), Forbidden (the person is something somewhere
    that the actor does not stand above), NoAuthenticator.
    """
    why = remark(reason, field="reason")
    ways = await ways_of(uow, account_id)
    if not may_reset_authenticator(uow.actor, await standing_of(uow, account_id)):
        raise Forbidden
    await forget(uow, account_id)
    where, homes = kept(uow.actor, ways)
    uow.record("authenticator.reset", "Account", account_id, where=where, homes=homes, details={"reason": why})


async def forget(uow: UnitOfWork, account_id: int) -> None:
    """Forget the account's authenticator, end its sign-ins and tell its phones; whoever decided it puts it on record.

    Raises NoAuthenticator.
    """
    if not await drop(uow, account_id):
        raise NoAuthenticator
    await end_every_session(uow, account_id, reason="authenticator_reset")
    uow.emit(AuthenticatorChanged(account_id, "reset"))
