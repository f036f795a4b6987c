"""Who may put an official's first authenticator to use: the holder of the number and of a code from somebody above.

A role over other people's rows waits for an authenticator, and whoever enrols it takes the role. The number alone is
not enough for that: who gives the role, or stands above all the person is, is shown a code once, and hands it over in
person or by a way that is not that number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.identity.authenticators.errors import EnrolmentCodeNeeded, WrongEnrolmentCode
from domain.identity.authenticators.models import EnrolmentCode
from domain.identity.authenticators.rules import (
    ENROLMENT_CODE_LIFE,
    FRESH_SIGN_IN,
    MOST_ENROLMENT_TRIES,
    new_enrolment_code,
    normalise_code,
)
from domain.identity.keeping import standing_of
from domain.identity.policies import NEEDS_SECOND_FACTOR
from domain.identity.ports import Vault
from domain.kernel.errors import DomainError
from domain.kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code as it is shown, once. expires_in: seconds."""

    code: str
    expires_in: int


async def is_needed(uow: UnitOfWork, account_id: int) -> bool:
    """Whether the actor, whose account it is, needs a code to put an authenticator to use: they hold a role over other
    people's rows that waits for one, and have not just taken their earlier one away."""
    if not uow.actor.lacks_second_factor:
        return False
    standing = await standing_of(uow, account_id)
    if not any(role in NEEDS_SECOND_FACTOR for role, _ in standing.roles):
        return False
    just = select(EnrolmentCode.account_id).where(
        EnrolmentCode.account_id == account_id,
        EnrolmentCode.session_id == uow.actor.session_id,
        EnrolmentCode.expires_at > uow.now,
    )
    return (await uow.session.execute(just)).first() is None


async def refusal(uow: UnitOfWork, vault: Vault, account_id: int, code: str) -> DomainError | None:
    """Why the actor, whose account is locked, may not put an authenticator to use with ``code``; None: they may.

    Returns WrongEnrolmentCode: wrong, used, too late, or tried too often; the caller commits, for it is counted. Raises
    EnrolmentCodeNeeded when none is given.
    """
    if not await is_needed(uow, account_id):
        return None
    given = normalise_code(code)
    if not given:
        raise EnrolmentCodeNeeded(field="enrolmentCode")
    open_ = (
        EnrolmentCode.account_id == account_id,
        EnrolmentCode.code_hash.is_not(None),
        EnrolmentCode.expires_at > uow.now,
        EnrolmentCode.tries < MOST_ENROLMENT_TRIES,
    )
    right = select(EnrolmentCode.account_id).where(*open_, EnrolmentCode.code_hash == _hash(vault, account_id, given))
    if (await uow.session.execute(right)).first() is not None:
        return None
    await uow.session.execute(update(EnrolmentCode).where(*open_).values(tries=EnrolmentCode.tries + 1))
    uow.record("authenticator.refused", "Account", account_id, details={"reason": "wrong_enrolment_code"})
    return WrongEnrolmentCode(field="enrolmentCode")


async def show_code(uow: UnitOfWork, vault: Vault, account_id: int) -> ShownCode:
    """A new code in the place of an earlier one. The account is locked and has no authenticator, and the caller has
    seen to it that the actor may."""
    code = new_enrolment_code()
    hashed = _hash(vault, account_id, normalise_code(code))
    await _put(uow, account_id, uow.now + ENROLMENT_CODE_LIFE, code_hash=hashed, session_id=None)
    return ShownCode(code, int(ENROLMENT_CODE_LIFE.total_seconds()))


async def allow_another(uow: UnitOfWork, account_id: int) -> None:
    """The actor's sign-in has proven the authenticator that it took away: by it they put another to use for a while."""
    until = uow.now + FRESH_SIGN_IN
    await _put(uow, account_id, until, code_hash=None, session_id=uow.actor.session_id)


async def end_code(uow: UnitOfWork, account_id: int) -> None:
    """Forget what was shown or allowed: it was used, or the account's ways in have changed."""
    await uow.session.execute(delete(EnrolmentCode).where(EnrolmentCode.account_id == account_id))


async def _put(uow: UnitOfWork, account_id: int, until: datetime, **by: Any) -> None:
    row = {"tries": 0, "expires_at": until, **by}
    await uow.session.execute(
        insert(EnrolmentCode)
        .values(account_id=account_id, **row)
        .on_conflict_do_update(index_elements=["account_id"], set_=row)
    )


def _hash(vault: Vault, account_id: int, code: str) -> bytes:
    return vault.index("enrolment_code.code", f"{account_id}|{code}")
