"""What is done after the commit: sending the code. Runs with no transaction open."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from domain.identity.ports import SmsPort, Vault
from domain.identity.rules import CODE_LIFE
from domain.identity.sessions.service import code_place

TEXTS = {
    "zh-CN": "【智安】您的验证码是 {code}，{minutes} 分钟内有效。请勿告诉他人。",
    "en": "[Zhian] Your code is {code}, valid for {minutes} minutes. Do not share it.",
}


async def send_code(payload: dict[str, Any], *, vault: Vault, sms: SmsPort, now: datetime) -> bool:
    """Send the code of a ``sign_in_code.requested`` event; twice under one key is once. False: it has expired.

    Raises Unavailable when the provider does not answer; the relay tries again.
    """
    if datetime.fromisoformat(payload["expires_at"]) <= now:
        return False
    code_id: int = payload["code_id"]

    async def opened(column: str) -> str:
        return await vault.open(base64.b64decode(payload[column]), code_place(column, code_id))

    text = TEXTS.get(payload["language"], TEXTS["en"])
    minutes = int(CODE_LIFE.total_seconds() // 60)
    said = text.format(code=await opened("code"), minutes=minutes)
    await sms.send(phone=await opened("phone"), text=said, key=f"sign_in_code:{code_id}")
    return True
