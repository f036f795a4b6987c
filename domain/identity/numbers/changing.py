"""Changing one's own number: proven by a code to the old and one to the new, both within their five minutes."""

from __future__ import annotations

from dataclasses import dataclass

from domain.identity.allowances import spend
from domain.identity.authenticators.errors import SecondFactorNeeded
from domain.identity.errors import WrongCode
from domain.identity.numbers.errors import NumberInUse, SameNumber
from domain.identity.numbers.service import account_row, close_move, locked_account, number_of, take, tell
from domain.identity.ports import Vault
from domain.identity.rules import SIGN_IN_PER_CLIENT, Purpose, normalise_phone
from domain.identity.sessions.chain import end_other_sessions
from domain.identity.sessions.codes import CodeSent, Sought, leave_code, send_code, try_code, use_code
from domain.identity.sessions.second_factor import second_factor
from domain.kernel.errors import DomainError, Unauthenticated
from domain.kernel.uow import UnitOfWork


def _own(uow: UnitOfWork) -> int:
    if uow.actor.account_id is None:
        raise Unauthenticated
    return uow.actor.account_id


def _sought(account_id: int, old: str, new: str) -> tuple[Sought, Sought]:
    return Sought(old, Purpose.CHANGE_FROM, account_id), Sought(new, Purpose.CHANGE_TO, account_id)


async def request_change(uow: UnitOfWork, *, vault: Vault, phone: str, client: str, language: str) -> CodeSent:
    """Send a code to the actor's number and one to ``phone``; the limits of the first bound how often. Numbers that
    others have get the same answer.

    Raises InvalidPhone, SameNumber, Limited, Unauthenticated.
    """
    account_id, number = _own(uow), normalise_phone(phone)
    old = await number_of(vault, await account_row(uow, account_id))
    if old == number:
        raise SameNumber(field="phone")
    # In one order for everybody: two who ask for each other's numbers lock the same rows of limits.
    for sought in sorted(_sought(account_id, old, number), key=lambda each: each.phone):
        sent = await send_code(uow, vault=vault, sought=sought, client=client, language=language)
    return sent


@dataclass(frozen=True, slots=True)
class Change:
    """What was sent to the old number and to the new one (``phone``), and what the authenticator shows, if any."""

    phone: str
    old_code: str
    new_code: str
    authenticator_code: str = ""


async def change(uow: UnitOfWork, *, vault: Vault, given: Change, client: str) -> DomainError | None:
    """Make the phone the actor's number; their other sign-ins end, and the old number is told.

    Returns WrongCode (field ``oldCode`` or ``newCode``), WrongAuthenticatorCode (the attempts count),
    SecondFactorNeeded (the codes stay good) or NumberInUse. Raises InvalidPhone, Limited, Unauthenticated.
    """
    account_id, number = _own(uow), normalise_phone(given.phone)
    if client:
        await spend(uow, SIGN_IN_PER_CLIENT, vault.index("rate_limit.client", client))
    account = await locked_account(uow, account_id)
    old = await number_of(vault, account)
    from_old, to_new = _sought(account_id, old, number)
    first = await try_code(uow, vault=vault, sought=from_old, code=given.old_code)
    second = await try_code(uow, vault=vault, sought=to_new, code=given.new_code)
    if first is None or second is None:
        return WrongCode(field="oldCode" if first is None else "newCode")
    refusal = await second_factor(uow, vault, account_id, given.authenticator_code)
    if refusal is not None:
        for code_id in (first, second) if isinstance(refusal, SecondFactorNeeded) else ():
            await leave_code(uow, code_id)
        return refusal
    await use_code(uow, first)
    await use_code(uow, second)
    if not await take(uow, vault=vault, account_id=account_id, phone=number):
        return NumberInUse(field="phone")
    await close_move(uow, account_id, "replaced")
    await end_other_sessions(uow, account_id, reason="number_changed")
    uow.record("account.number_changed", "Account", account_id)
    tell(uow, vault=vault, account=account, phone=old, what="changed")
    return None
