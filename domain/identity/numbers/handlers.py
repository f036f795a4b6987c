"""What is done after the commit: telling a number that it is left. Runs with no transaction open."""

from __future__ import annotations

import base64
from typing import Any

from domain.identity.numbers.service import told_place
from domain.identity.ports import SmsPort, Vault

TEXTS = {
    "move_asked": {
        "zh-CN": "【智安】物业或管理部门已为您的账号申请更换登录手机号。如非您本人办理，请登录智安拒绝，并联系物业。",
        "en": "[Zhian] Your property office or its administration asked to move your account to another number. If that"
        " was not you, sign in to refuse, and call the office.",
    },
    "moved": {
        "zh-CN": "【智安】您的账号已更换登录手机号，原登录全部退出。如非您本人办理，请立即联系物业。",
        "en": "[Zhian] Your account was moved to another number, and all sign-ins ended. If that was not you, call your"
        " property office at once.",
    },
    "changed": {
        "zh-CN": "【智安】您的账号已更换登录手机号，其他设备已退出登录。如非您本人操作，请立即联系物业。",
        "en": "[Zhian] The number of your account was changed, and its other sign-ins ended. If that was not you, call"
        " your property office at once.",
    },
}


async def tell_number(payload: dict[str, Any], *, vault: Vault, sms: SmsPort) -> None:
    """Send the text of a ``number.told`` event; twice under one key is once.

    Raises Unavailable when the provider does not answer; the relay tries again.
    """
    texts, key = TEXTS[payload["what"]], payload["key"]
    phone = await vault.open(base64.b64decode(payload["phone"]), told_place(key))
    await sms.send(phone=phone, text=texts.get(payload["language"], texts["en"]), key=f"number:{key}")
