"""Sign-in by one-time code, refreshing, signing out.

Wrong codes and reused tokens must be remembered although they are refused, so these commands *return* the error and
the unit of work commits; the caller raises it afterwards (``or_raise``).
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy import insert, select, update

from domain.identity.accounts.service import ensure_account
from domain.identity.allowances import spend
from domain.identity.authenticators.errors import SecondFactorNeeded, WrongAuthenticatorCode
from domain.identity.authenticators.service import has_authenticator, is_right
from domain.identity.errors import AccountDisabled, WrongCode
from domain.identity.events import SignInCodeRequested
from domain.identity.models import Account, Session, SignInCode
from domain.identity.ports import Vault
from domain.identity.rules import (
    CODE_ATTEMPTS,
    CODE_DIGITS,
    CODE_LIFE,
    CODE_PER_CLIENT,
    CODE_PER_PHONE,
    SESSION_LIFE,
    SIGN_IN_PER_CLIENT,
    normalise_phone,
)
from domain.identity.sessions.chain import end_all_sessions, end_session, first_token
from domain.identity.sessions.refusals import record_refused_sign_in
from domain.kernel.errors import DomainError, NotFound, Unauthenticated
from domain.kernel.uow import UnitOfWork

T = TypeVar("T")

MAX_CLIENT_NAME = 80


@dataclass(frozen=True, slots=True)
class CodeSent:
    """The answer to every request for a code, whether the phone is known or not. Seconds."""

    expires_in: int
    retry_after: int


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


def code_place(column: str, code_id: int) -> str:
    """Where a sealed part of the event stands."""
    return f"outbox_event|{SignInCodeRequested.name}.{column}|{code_id}"


def _digest(vault: Vault, phone: str, code: str) -> bytes:
    return vault.index("sign_in_code.code", f"{phone}|{code}")


async def request_code(uow: UnitOfWork, *, vault: Vault, phone: str, client: str, language: str) -> CodeSent:
    """Make a code for ``phone`` and hand it to the outbox; earlier codes of the phone end.

    Known and unknown phones take the same path: nothing here looks at accounts. Raises InvalidPhone, Limited.
    """
    number = normalise_phone(phone)
    index = vault.index("sign_in_code.phone", number)
    for allowance in CODE_PER_PHONE:
        await spend(uow, allowance, index)
    if client:
        await spend(uow, CODE_PER_CLIENT, vault.index("rate_limit.client", client))
    await uow.session.execute(
        update(SignInCode).where(SignInCode.phone_index == index, SignInCode.used_at.is_(None)).values(used_at=uow.now)
    )
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    row = {
        "phone_index": index,
        "code_hash": _digest(vault, number, code),
        "created_at": uow.now,
        "expires_at": uow.now + CODE_LIFE,
    }
    code_id = (await uow.session.execute(insert(SignInCode).values(row).returning(SignInCode.id))).scalar_one()

    def sealed(column: str, plain: str) -> str:
        return base64.b64encode(vault.seal(plain, code_place(column, code_id))).decode()

    uow.emit(
        SignInCodeRequested(
            code_id=code_id,
            phone=sealed("phone", number),
            code=sealed("code", code),
            language=language,
            expires_at=(uow.now + CODE_LIFE).isoformat(),
        )
    )
    return CodeSent(int(CODE_LIFE.total_seconds()), int(CODE_PER_PHONE[0].every.total_seconds()))


async def _try_code(uow: UnitOfWork, vault: Vault, phone: str, code: str) -> int | None:
    """Count the attempt and compare: the id of the open code that this is, or None.

    The row stays locked till the commit, so attempts cannot run side by side.
    """
    tried = (
        await uow.session.execute(
            update(SignInCode)
            .where(
                SignInCode.phone_index == vault.index("sign_in_code.phone", phone),
                SignInCode.used_at.is_(None),
                SignInCode.expires_at > uow.now,
                SignInCode.attempts < CODE_ATTEMPTS,
            )
            .values(attempts=SignInCode.attempts + 1)
            .returning(SignInCode.id, SignInCode.code_hash)
            .execution_options(synchronize_session=False)
        )
    ).first()
    expected = tried.code_hash if tried is not None else bytes(16)
    if not hmac.compare_digest(expected, _digest(vault, phone, code)) or tried is None:
        return None
    return int(tried.id)


async def _use_code(uow: UnitOfWork, code_id: int) -> None:
    await uow.session.execute(update(SignInCode).where(SignInCode.id == code_id).values(used_at=uow.now))


async def _leave_code(uow: UnitOfWork, code_id: int) -> None:
    """The code was right and is to be given again, with a second factor: this was no try of it."""
    await uow.session.execute(
        update(SignInCode).where(SignInCode.id == code_id).values(attempts=SignInCode.attempts - 1)
    )


async def _second_factor(uow: UnitOfWork, vault: Vault, account_id: int, given: str) -> DomainError | None:
    """Why the account's authenticator does not let this sign-in pass, if it does not. Raises Limited.

    The account is locked, so that an authenticator confirmed at this moment is either asked for here, or ends this
    sign-in with all others.
    """
    await uow.session.execute(select(Account.id).where(Account.id == account_id).with_for_update(read=True))
    if not await has_authenticator(uow, account_id):
        return None
    if not given.strip():
        return SecondFactorNeeded(field="authenticatorCode")
    if not await is_right(uow, vault=vault, account_id=account_id, code=given):
        return WrongAuthenticatorCode(field="authenticatorCode")
    return None


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
    code_id = await _try_code(uow, vault, number, code)
    if code_id is None:
        await refused(reason="wrong_code")
        return WrongCode(field="code")
    account = await ensure_account(uow, vault=vault, phone=number, language=language)
    if account.disabled:
        await _use_code(uow, code_id)
        await refused(reason="disabled", account_id=account.id)
        return AccountDisabled()
    refusal = await _second_factor(uow, vault, account.id, authenticator_code)
    if isinstance(refusal, SecondFactorNeeded):
        await _leave_code(uow, code_id)
        return refusal
    if refusal is not None:
        await refused(reason="wrong_authenticator_code", account_id=account.id)
        return refusal
    await _use_code(uow, code_id)
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
