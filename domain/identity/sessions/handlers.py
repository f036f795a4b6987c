"""What is done after the commit: sending the code. Runs with no transaction open."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from domain.identity.ports import SmsPort, Vault
from domain.identity.rules import CODE_LIFE, Purpose
from domain.identity.sessions.codes import code_place

TEXTS = {
    Purpose.SIGN_IN: {
        "zh-CN": "【智安】您的验证码是 {code}，{minutes} 分钟内有效。请勿告诉他人。",
        "en": "[Zhian] Your code is {code}, valid for {minutes} minutes. Do not share it.",
    },
    Purpose.CHANGE_FROM: {
        "zh-CN": "【智安】您正在更换登录手机号，验证码 {code}，{minutes} 分钟内有效。如非本人操作，请勿告诉任何人。",
        "en": "[Zhian] Your code to change your number is {code}, valid for {minutes} minutes. If you did not ask for"
        " it, tell it to nobody.",
    },
    Purpose.CHANGE_TO: {
        "zh-CN": "【智安】验证码 {code}，用于将本号码设为您的登录手机号，{minutes} 分钟内有效。请勿告诉他人。",
        "en": "[Zhian] {code} is the code to sign in with this number from now on, valid for {minutes} minutes. Do not"
        " share it.",
    },
}
TEXTS[Purpose.MOVE_TO] = TEXTS[Purpose.CHANGE_TO]


async def send_code(payload: dict[str, Any], *, vault: Vault, sms: SmsPort, now: datetime) -> bool:
    """Send the code of a ``sign_in_code.requested`` event; twice under one key is once. False: it has expired.

    Raises Unavailable when the provider does not answer; the relay tries again.
    """
    if datetime.fromisoformat(payload["expires_at"]) <= now:
        return False
    code_id: int = payload["code_id"]

    async def opened(column: str) -> str:
        return await vault.open(base64.b64decode(payload[column]), code_place(column, code_id))

    texts = TEXTS[Purpose(payload.get("purpose", Purpose.SIGN_IN))]
    text = texts.get(payload["language"], texts["en"])
    minutes = int(CODE_LIFE.total_seconds() // 60)
    said = text.format(code=await opened("code"), minutes=minutes)
    await sms.send(phone=await opened("phone"), text=said, key=f"sign_in_code:{code_id}")
    return True
