"""One-time codes sent to a phone: made, tried, used. A code is good for one purpose, once, for five minutes."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import insert, update

from domain.identity.allowances import spend
from domain.identity.events import SignInCodeRequested
from domain.identity.models import SignInCode
from domain.identity.ports import Vault
from domain.identity.rules import CODE_ATTEMPTS, CODE_DIGITS, CODE_LIFE, CODE_PER_CLIENT, CODE_PER_PHONE, Purpose
from domain.kernel.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class CodeSent:
    """The answer to every request for a code, whether the phone is known or not. Seconds."""

    expires_in: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class Sought:
    """What a code must prove: that somebody holds ``phone`` (E.164), for ``purpose``, of the account ``of`` if any."""

    phone: str
    purpose: Purpose
    of: int | None = None

    def digest(self, vault: Vault, code: str) -> bytes:
        """What is stored of ``code``: bound to all of this."""
        bound = "" if self.purpose is Purpose.SIGN_IN else f"{self.purpose}|{self.of}|"
        return vault.index("sign_in_code.code", f"{bound}{self.phone}|{code}")

    def phone_index(self, vault: Vault) -> bytes:
        """By what the phone's codes are found."""
        return vault.index("sign_in_code.phone", self.phone)


def code_place(column: str, code_id: int) -> str:
    """Where a sealed part of the event stands."""
    return f"outbox_event|{SignInCodeRequested.name}.{column}|{code_id}"


async def send_code(uow: UnitOfWork, *, vault: Vault, sought: Sought, client: str, language: str) -> CodeSent:
    """Make a code and hand it to the outbox; earlier ones of the phone for this purpose end.

    Known and unknown phones take the same path: nothing here looks at accounts. Raises Limited.
    """
    index = sought.phone_index(vault)
    for allowance in CODE_PER_PHONE:
        await spend(uow, allowance, index)
    if client:
        await spend(uow, CODE_PER_CLIENT, vault.index("rate_limit.client", client))
    await uow.session.execute(
        update(SignInCode)
        .where(SignInCode.phone_index == index, SignInCode.purpose == str(sought.purpose), SignInCode.used_at.is_(None))
        .values(used_at=uow.now)
    )
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    row = {
        "phone_index": index,
        "purpose": str(sought.purpose),
        "code_hash": sought.digest(vault, code),
        "created_at": uow.now,
        "expires_at": uow.now + CODE_LIFE,
    }
    code_id = (await uow.session.execute(insert(SignInCode).values(row).returning(SignInCode.id))).scalar_one()

    def sealed(column: str, plain: str) -> str:
        return base64.b64encode(vault.seal(plain, code_place(column, code_id))).decode()

    uow.emit(
        SignInCodeRequested(
            code_id=code_id,
            phone=sealed("phone", sought.phone),
            code=sealed("code", code),
            language=language,
            expires_at=(uow.now + CODE_LIFE).isoformat(),
            purpose=str(sought.purpose),
        )
    )
    return CodeSent(int(CODE_LIFE.total_seconds()), int(CODE_PER_PHONE[0].every.total_seconds()))


async def try_code(uow: UnitOfWork, *, vault: Vault, sought: Sought, code: str) -> int | None:
    """Count the attempt and compare: the id of the open code that this is, or None.

    The row stays locked till the commit, so attempts cannot run side by side. The caller commits even when it is
    wrong, lest the attempt be forgotten.
    """
    tried = (
        await uow.session.execute(
            update(SignInCode)
            .where(
                SignInCode.phone_index == sought.phone_index(vault),
                SignInCode.purpose == str(sought.purpose),
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
    if not hmac.compare_digest(expected, sought.digest(vault, code)) or tried is None:
        return None
    return int(tried.id)


async def use_code(uow: UnitOfWork, code_id: int) -> None:
    """A code that was right is good no more."""
    await uow.session.execute(update(SignInCode).where(SignInCode.id == code_id).values(used_at=uow.now))


async def leave_code(uow: UnitOfWork, code_id: int) -> None:
    """The code was right and is to be given again, with a second factor: this was no try of it."""
    await uow.session.execute(
        update(SignInCode).where(SignInCode.id == code_id).values(attempts=SignInCode.attempts - 1)
    )
