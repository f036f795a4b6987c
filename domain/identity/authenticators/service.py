"""Enrolling, confirming, checking and removing authenticators.

Wrong codes must be remembered although they are refused, so commands that take a code *return* the error and the unit
of work commits; the caller raises it afterwards (``sessions.service.or_raise``). Every command locks the account first:
a sign-in that began before a factor changed is done or refused by the time the others are ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from domain.identity.accounts.service import phone_place
from domain.identity.allowances import spend
from domain.identity.authenticators import allowing
from domain.identity.authenticators.errors import (
    AlreadyEnrolled,
    NoAuthenticator,
    SignInAgain,
    WrongAuthenticatorCode,
)
from domain.identity.authenticators.models import Authenticator, RecoveryCode
from domain.identity.authenticators.rules import (
    ENROLMENTS_PER_ACCOUNT,
    FRESH_SIGN_IN,
    MOST_FAILURES,
    PENDING_LIFE,
    TRIES_PER_ACCOUNT,
    enrolment_uri,
    is_recovery_code,
    label_of,
    matching_step,
    new_recovery_codes,
    new_secret,
    normalise_code,
    shown_secret,
)
from domain.identity.events import AuthenticatorChanged
from domain.identity.models import Account, Session
from domain.identity.ports import Vault
from domain.identity.sessions.chain import end_other_sessions
from domain.kernel.errors import DomainError, Unauthenticated
from domain.kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What goes into the app, shown once. uri: ``otpauth://…``; secret: the same for typing; expires_in: seconds;
    code_needed: ``confirm`` asks for an enrolment code too."""

    uri: str
    secret: str
    expires_in: int
    code_needed: bool


async def enrol(uow: UnitOfWork, *, vault: Vault) -> Enrolment:
    """Make a secret for the actor's authenticator; it counts once ``confirm`` has seen a code of it. An earlier
    enrolment that was not confirmed ends.

    Raises SignInAgain, AlreadyEnrolled, Limited.
    """
    account_id = await _own(uow, fresh=True)
    await spend(uow, ENROLMENTS_PER_ACCOUNT, _subject(vault, account_id))
    secret = new_secret()
    row = {
        "secret_sealed": vault.seal(secret, _place(account_id)),
        "created_at": uow.now,
        "last_step": 0,
        "failures": 0,
    }
    made = await uow.session.execute(
        insert_or(Authenticator)
        .values(account_id=account_id, **row)
        .on_conflict_do_update(index_elements=["account_id"], set_=row, where=Authenticator.confirmed_at.is_(None))
        .returning(Authenticator.account_id)
    )
    if made.first() is None:
        raise AlreadyEnrolled
    sealed = (await uow.session.execute(select(Account.phone_sealed).where(Account.id == account_id))).scalar_one()
    phone = await vault.open(sealed, phone_place(account_id))
    uow.record("authenticator.enrolled", "Account", account_id)
    uri = enrolment_uri(secret, label_of(phone))
    needed = await allowing.is_needed(uow, account_id)
    return Enrolment(uri, shown_secret(secret), int(PENDING_LIFE.total_seconds()), needed)


async def confirm(
    uow: UnitOfWork, *, vault: Vault, code: str, enrolment_code: str = ""
) -> tuple[str, ...] | DomainError:
    """Put the enrolled authenticator to use, ending the actor's other sign-ins; ten recovery codes, shown once.

    enrolment_code: for officials, see ``allowing``; it is used up only with a right ``code``. Returns
    WrongAuthenticatorCode, WrongEnrolmentCode. Raises NoAuthenticator (also when it was confirmed, or not in time),
    EnrolmentCodeNeeded, Limited.
    """
    account_id = await _own(uow)
    await spend(uow, TRIES_PER_ACCOUNT, _subject(vault, account_id))
    sealed = (
        await uow.session.execute(
            select(Authenticator.secret_sealed).where(
                Authenticator.account_id == account_id,
                Authenticator.confirmed_at.is_(None),
                Authenticator.created_at > uow.now - PENDING_LIFE,
            )
        )
    ).scalar()
    if sealed is None:
        raise NoAuthenticator
    refused = await allowing.refusal(uow, vault, account_id, enrolment_code)
    if refused is not None:
        return refused
    step = matching_step(await vault.open_bytes(sealed, _place(account_id)), normalise_code(code), uow.now)
    if step is None:
        return WrongAuthenticatorCode(field="code")
    await allowing.end_code(uow, account_id)
    await uow.session.execute(
        update(Authenticator)
        .where(Authenticator.account_id == account_id, Authenticator.confirmed_at.is_(None))
        .values(confirmed_at=uow.now, last_step=step)
    )
    await _changed(uow, account_id, "authenticator.confirmed")
    return await _new_codes(uow, vault, account_id)


async def renew_codes(uow: UnitOfWork, *, vault: Vault, code: str) -> tuple[str, ...] | DomainError:
    """Ten new recovery codes in the place of all earlier ones; ``code``: of the authenticator, or an earlier one.

    Returns WrongAuthenticatorCode. Raises SignInAgain, NoAuthenticator, Limited.
    """
    account_id = await _own(uow, fresh=True)
    if not await has_authenticator(uow, account_id):
        raise NoAuthenticator
    if not await is_right(uow, vault=vault, account_id=account_id, code=code):
        return WrongAuthenticatorCode(field="code")
    uow.record("recovery_codes.renewed", "Account", account_id)
    return await _new_codes(uow, vault, account_id)


async def remove(uow: UnitOfWork, *, vault: Vault, code: str) -> DomainError | None:
    """Take the actor's authenticator away, ending their other sign-ins; ``code``: of it, or a recovery code.

    Returns WrongAuthenticatorCode. Raises SignInAgain, NoAuthenticator, Limited.
    """
    account_id = await _own(uow, fresh=True)
    if not await has_authenticator(uow, account_id):
        raise NoAuthenticator
    if not await is_right(uow, vault=vault, account_id=account_id, code=code):
        return WrongAuthenticatorCode(field="code")
    await drop(uow, account_id)
    await allowing.allow_another(uow, account_id)
    await _changed(uow, account_id, "authenticator.removed")
    return None


async def drop(uow: UnitOfWork, account_id: int) -> bool:
    """Forget the account's authenticator and recovery codes, whoever decided it; False when there was none.

    The caller has decided that it may be, puts it on record, and ends the sign-ins.
    """
    await lock(uow, account_id)
    await allowing.end_code(uow, account_id)
    await uow.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    gone = await uow.session.execute(
        delete(Authenticator).where(Authenticator.account_id == account_id).returning(Authenticator.confirmed_at)
    )
    uow.tell("access", account_id=account_id)
    return any(confirmed is not None for (confirmed,) in gone)


async def has_authenticator(uow: UnitOfWork, account_id: int) -> bool:
    """Whether the account has a confirmed authenticator."""
    found = await uow.session.execute(
        select(Authenticator.account_id).where(
            Authenticator.account_id == account_id, Authenticator.confirmed_at.is_not(None)
        )
    )
    return found.first() is not None


async def is_right(uow: UnitOfWork, *, vault: Vault, account_id: int, code: str) -> bool:
    """Use up ``code``, of the account's authenticator or a recovery code: each is right once. Raises Limited.

    The caller commits either way: wrong codes are counted.
    """
    await spend(uow, TRIES_PER_ACCOUNT, _subject(vault, account_id))
    given = normalise_code(code)
    if is_recovery_code(given):
        return await _use_recovery_code(uow, vault, account_id, given)
    return await _use_step(uow, vault, account_id, given)


async def _use_step(uow: UnitOfWork, vault: Vault, account_id: int, code: str) -> bool:
    mine = (Authenticator.account_id == account_id, Authenticator.confirmed_at.is_not(None))
    found = await uow.session.execute(
        select(Authenticator.secret_sealed).where(*mine, Authenticator.failures < MOST_FAILURES)
    )
    sealed = found.scalar()
    if sealed is None:
        return False
    step = matching_step(await vault.open_bytes(sealed, _place(account_id)), code, uow.now)
    if step is not None:
        taken = await uow.session.execute(
            update(Authenticator)
            .where(*mine, Authenticator.secret_sealed == sealed, Authenticator.last_step < step)
            .values(last_step=step, failures=0)
            .returning(Authenticator.account_id)
        )
        if taken.first() is not None:
            return True
    await uow.session.execute(update(Authenticator).where(*mine).values(failures=Authenticator.failures + 1))
    return False


async def _use_recovery_code(uow: UnitOfWork, vault: Vault, account_id: int, code: str) -> bool:
    used = await uow.session.execute(
        delete(RecoveryCode)
        .where(RecoveryCode.account_id == account_id, RecoveryCode.code_hash == _hash(vault, account_id, code))
        .returning(RecoveryCode.id)
    )
    if used.first() is None:
        return False
    # Whoever has this proven has the right to the authenticator too: a spell of wrong codes is forgiven.
    await uow.session.execute(update(Authenticator).where(Authenticator.account_id == account_id).values(failures=0))
    uow.record("recovery_code.used", "Account", account_id, account_id=account_id)
    uow.emit(AuthenticatorChanged(account_id, "recovery_code_used"))
    return True


async def _new_codes(uow: UnitOfWork, vault: Vault, account_id: int) -> tuple[str, ...]:
    codes = new_recovery_codes()
    await uow.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    rows: list[dict[str, Any]] = [
        {"account_id": account_id, "code_hash": _hash(vault, account_id, normalise_code(code))} for code in codes
    ]
    await uow.session.execute(insert(RecoveryCode).values(rows))
    return codes


async def _changed(uow: UnitOfWork, account_id: int, action: str) -> None:
    """End the other sign-ins, put it on record, tell the account's phones and the actor's open sockets. action: as the
    audit log names it."""
    change = action.removeprefix("authenticator.")
    await end_other_sessions(uow, account_id, reason=f"authenticator_{change}")
    uow.record(action, "Account", account_id)
    uow.emit(AuthenticatorChanged(account_id, change))
    uow.tell("access", account_id=account_id)


async def _own(uow: UnitOfWork, *, fresh: bool = False) -> int:
    """The actor's account, locked. Raises Unauthenticated when the sign-in was ended at this moment; fresh: SignInAgain
    unless it is new."""
    account_id, session_id = uow.actor.account_id, uow.actor.session_id
    if account_id is None or session_id is None:
        raise Unauthenticated
    await lock(uow, account_id)
    standing = select(Session.created_at).where(
        Session.id == session_id, Session.ended_at.is_(None), Session.expires_at > uow.now
    )
    began = (await uow.session.execute(standing)).scalar()
    if began is None:
        raise Unauthenticated
    if fresh and began <= uow.now - FRESH_SIGN_IN:
        raise SignInAgain
    return account_id


async def lock(uow: UnitOfWork, account_id: int) -> None:
    """Hold the account, as every command on its authenticator does first."""
    await uow.session.execute(select(Account.id).where(Account.id == account_id).with_for_update(key_share=True))


def _subject(vault: Vault, account_id: int) -> bytes:
    return vault.index("rate_limit.account", str(account_id))


def _place(account_id: int) -> str:
    return f"authenticator|secret_sealed|{account_id}"


def _hash(vault: Vault, account_id: int, code: str) -> bytes:
    return vault.index("recovery_code.code", f"{account_id}|{code}")
