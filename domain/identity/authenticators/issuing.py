"""Showing somebody above an official the code without which that official enrols no authenticator."""

from __future__ import annotations

from domain.identity.authenticators.allowing import ShownCode, show_code
from domain.identity.authenticators.errors import AlreadyEnrolled
from domain.identity.authenticators.service import has_authenticator, lock
from domain.identity.keeping import kept, standing_of, ways_of
from domain.identity.policies import may_issue_enrolment_code
from domain.identity.ports import Vault
from domain.kernel.errors import Forbidden
from domain.kernel.uow import UnitOfWork


async def issue(uow: UnitOfWork, *, vault: Vault, account_id: int) -> ShownCode:
    """A code for somebody all of whose roles over other people's rows the actor could grant where they are held. An
    earlier one is good no longer.

    Raises OwnRole, NotFound (out of sight), Forbidden (they hold no such role, or one that the actor does not stand
    above), AlreadyEnrolled.
    """
    ways = await ways_of(uow, account_id)
    if not may_issue_enrolment_code(uow.actor, await standing_of(uow, account_id)):
        raise Forbidden
    shown = await issue_anyhow(uow, vault=vault, account_id=account_id)
    where, homes = kept(uow.actor, ways)
    uow.record("authenticator.allowed", "Account", account_id, where=where, homes=homes)
    return shown


async def issue_anyhow(uow: UnitOfWork, *, vault: Vault, account_id: int) -> ShownCode:
    """A code, whoever decided it; they put it on record. Raises AlreadyEnrolled."""
    await lock(uow, account_id)
    if await has_authenticator(uow, account_id):
        raise AlreadyEnrolled
    return await show_code(uow, vault, account_id)
