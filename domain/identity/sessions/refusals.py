"""Refused sign-ins in the audit log: each kind of try now and then, so that nobody can write the log full with them.

Every refusal leaves a line in the log of the process; here stands the first handful an hour of one phone or session,
and of all together some hundreds. Known and unknown phones take the same path: no account is looked up for it.
"""

from __future__ import annotations

from typing import Any

from domain.identity.allowances import has_left
from domain.identity.audit.watching import subject_index
from domain.identity.ports import Vault
from domain.identity.rules import REFUSALS_ON_RECORD, REFUSALS_PER_SUBJECT
from domain.kernel.uow import UnitOfWork

REFUSED = "session.refused"
SHARES = 16
"""The allowance of all refusals is kept in so many rows, lest they all wait for each other."""


async def record_refused_sign_in(
    uow: UnitOfWork, *, vault: Vault, phone: str, client: str, reason: str, account_id: int | None = None
) -> None:
    """Somebody was refused with a code for ``phone``; told by blind indexes of phone and network address."""
    said = {"reason": reason, "subject": subject_index(vault, "phone", phone)}
    if client:
        said["client"] = subject_index(vault, "client", client)
    if await _has_room(uow, bytes.fromhex(said["subject"])):
        uow.record(REFUSED, "Account", account_id, account_id=account_id, details=said)


async def record_refused_refresh(uow: UnitOfWork, *, vault: Vault, session: Any, reason: str) -> None:
    """A refresh token of a session that is no good came. session: with id and account_id."""
    if await _has_room(uow, vault.index("audit.session", str(session.id))):
        who = {"account_id": session.account_id, "session_id": session.id}
        uow.record(REFUSED, "Session", session.id, details={"reason": reason}, **who)


async def _has_room(uow: UnitOfWork, subject: bytes) -> bool:
    if not await has_left(uow, REFUSALS_PER_SUBJECT, subject):
        return False
    return await has_left(uow, REFUSALS_ON_RECORD, bytes([subject[0] % SHARES]))
