"""What the account's phones are told by a push when its number is moved or changed: a text may go to a lost card."""

from __future__ import annotations

from typing import Any, Final

from domain.identity.telling import Words, spoken
from domain.kernel.uow import UnitOfWork

TITLES: Final = {"zh-CN": "账号安全提醒", "en": "Your account"}
BODIES: Final = {
    "move_asked": {
        "zh-CN": "物业或管理部门已申请更换您的登录手机号。如非您本人办理，请立即拒绝。",
        "en": "The office asked to move your account to another number. If that was not you, refuse at once.",
    },
    "moved": {
        "zh-CN": "您的账号已更换登录手机号，原登录全部退出。如非您本人办理，请立即联系物业。",
        "en": "Your account was moved to another number. If that was not you, speak to the office at once.",
    },
    "changed": {
        "zh-CN": "您的账号已更换登录手机号。如非您本人操作，请立即联系物业。",
        "en": "The number of your account was changed. If that was not you, speak to the office at once.",
    },
}


async def words_for(uow: UnitOfWork, said: dict[str, Any]) -> Words | None:
    """The push for the payload of a ``number.told`` event; None when the account may not sign in any more."""
    language = await spoken(uow, said["account_id"])
    if language is None:
        return None
    body = BODIES[said["what"]][language]
    return Words(said["account_id"], TITLES[language], body, link="zhian://account", collapse=f"number-{said['key']}")
