"""What an account's phones are told when its authenticator changed: whoever did not do it learns of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from domain.identity.models import Account
from domain.kernel.uow import UnitOfWork

TITLES: Final = {"zh-CN": "账号安全提醒", "en": "Your account"}
BODIES: Final = {
    "confirmed": {"zh-CN": "您的账号已绑定身份验证器", "en": "An authenticator was added"},
    "removed": {"zh-CN": "您的账号已解除绑定身份验证器", "en": "The authenticator was removed"},
    "reset": {"zh-CN": "管理员已重置您的身份验证器", "en": "The authenticator was reset by an administrator"},
    "recovery_code_used": {"zh-CN": "您的账号使用了一个恢复码", "en": "A recovery code was used"},
}
ASK: Final = {
    "zh-CN": "。如非本人操作，请立即联系物业或管理员。",
    "en": ". If it was not you, speak to the office at once.",
}


@dataclass(frozen=True, slots=True)
class Words:
    """A push in its account's language, with nothing about the person in it."""

    account_id: int
    title: str
    body: str


async def words_for(uow: UnitOfWork, *, account_id: int, change: str) -> Words | None:
    """The words for an ``AuthenticatorChanged``; None when the account is disabled."""
    found = await uow.session.execute(
        select(Account.language).where(Account.id == account_id, Account.disabled_at.is_(None))
    )
    language = found.scalar()
    if language is None:
        return None
    spoken = language if language in TITLES else "en"
    return Words(account_id, TITLES[spoken], BODIES[change][spoken] + ASK[spoken])
