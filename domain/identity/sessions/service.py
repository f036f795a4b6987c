"""Sign-in by one-time code, refreshing, signing out.

Wrong codes and reused tokens must be remembered although they are refused, so these commands *return* the error and
the unit of work commits; the caller raises it afterwards (``or_raise``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy import insert

from domain.identity.accounts.service import ensure_account, hold_account
from domain.identity.allowances import spend
from domain.identity.authenticators.errors import SecondFactorNeeded
from domain.identity.errors import AccountDisabled, WrongCode
from domain.identity.models import Session
from domain.identity.ports import Vault
from domain.identity.rules import SESSION_LIFE, SIGN_IN_PER_CLIENT, Purpose, normalise_phone
from domain.identity.sessions.chain import end_all_sessions, end_session, first_token
from domain.identity.sessions.codes import CodeSent, Sought, leave_code, send_code, try_code, use_code
from domain.identity.sessions.refusals import record_refused_sign_in
from domain.identity.sessions.second_factor import second_factor
from domain.kernel.errors import DomainError, NotFound, Unauthenticated
from domain.kernel.uow import UnitOfWork

T = TypeVar("T")

MAX_CLIENT_NAME = 80


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session and the refresh token that continues it; shown once, stored only as a digest."""

    account_id: int
    session_id: int
    token_version: int
    refresh_token: str


def or_raise(outcome: T | DomainError) -> T:
    """The outcome, once its unit of work has committed; raises it if it is an error."""
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


async def request_code(uow: UnitOfWork, *, vault: Vault, phone: str, client: str, language: str) -> CodeSent:
    """Send a code to sign in with; the same for known and unknown phones. Raises InvalidPhone, Limited."""
    sought = Sought(normalise_phone(phone), Purpose.SIGN_IN)
    return await send_code(uow, vault=vault, sought=sought, client=client, language=language)


async def sign_in(
    uow: UnitOfWork,
    *,
    vault: Vault,
    phone: str,
    code: str,
    authenticator_code: str = "",
    client: str,
    client_name: str = "",
    language: str = "zh-CN",
) -> SignedIn | DomainError:
    """Trade a right code for a session; a phone seen for the first time gets an account without homes.

    An account with an authenticator also needs a code of it, or a recovery code: without one the phone's code stays
    good, with a wrong one the attempt counts.

    Returns WrongCode (the attempt counts), SecondFactorNeeded, WrongAuthenticatorCode or AccountDisabled. Raises
    InvalidPhone, Limited.
    """
    number = normalise_phone(phone)
    if client:
        await spend(uow, SIGN_IN_PER_CLIENT, vault.index("rate_limit.client", client))
    refused = partial(record_refused_sign_in, uow, vault=vault, phone=number, client=client)
    code_id = await try_code(uow, vault=vault, sought=Sought(number, Purpose.SIGN_IN), code=code)
    if code_id is None:
        await refused(reason="wrong_code")
        return WrongCode(field="code")
    found = await ensure_account(uow, vault=vault, phone=number, language=language)
    account = await hold_account(uow, vault=vault, account_id=found.id, phone=number)
    if account is None:  # it was moved to another number at this moment, and a lost card opens it no more
        await use_code(uow, code_id)
        await refused(reason="number_left", account_id=found.id)
        return WrongCode(field="code")
    if account.disabled:
        await use_code(uow, code_id)
        await refused(reason="disabled", account_id=account.id)
        return AccountDisabled()
    refusal = await second_factor(uow, vault, account.id, authenticator_code)
    if isinstance(refusal, SecondFactorNeeded):
        await leave_code(uow, code_id)
        return refusal
    if refusal is not None:
        await refused(reason="wrong_authenticator_code", account_id=account.id)
        return refusal
    await use_code(uow, code_id)
    return await start_session(uow, account.id, account.token_version, client_name)


async def start_session(uow: UnitOfWork, account_id: int, token_version: int, client_name: str) -> SignedIn:
    """A new session of the account with the first refresh token of its chain."""
    row = {
        "account_id": account_id,
        "client": client_name[:MAX_CLIENT_NAME],
        "created_at": uow.now,
        "expires_at": uow.now + SESSION_LIFE,
    }
    session_id = (await uow.session.execute(insert(Session).values(row).returning(Session.id))).scalar_one()
    uow.record("session.started", "Session", session_id, account_id=account_id, session_id=session_id)
    return SignedIn(account_id, session_id, token_version, await first_token(uow, session_id))


async def sign_out(uow: UnitOfWork, *, everywhere: bool = False, session_id: int | None = None) -> None:
    """End the actor's current session, the one named, or all of them. Raises NotFound for a session not their own."""
    account_id, current = uow.actor.account_id, uow.actor.session_id
    if account_id is None or current is None:
        raise Unauthenticated
    if everywhere:
        await end_all_sessions(uow, account_id, reason="signed_out_everywhere")
    elif not await end_session(uow, session_id or current, account_id, reason="signed_out") and session_id is not None:
        raise NotFound(field="session")
