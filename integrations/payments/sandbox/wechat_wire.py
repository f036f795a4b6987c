"""WeChat Pay's side of the wire: it checks a merchant's signature, signs its answers, and seals what it sends."""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import Request

from integrations.payments import rsa
from integrations.payments.alipay.signing import CHINA
from integrations.payments.sandbox.keys import MCHID, MERCHANT_SERIAL, PUBLIC_KEY_ID, SandboxKeys
from integrations.payments.wechat.signing import SCHEMA

FRESH: Final = timedelta(minutes=5)
_SAID: Final = re.compile(r'(\w+)="([^"]*)"')


class Failed(Exception):
    """An answer that is an error, as WeChat Pay writes it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class WechatWire:
    """Signatures and seals under ``keys``."""

    keys: SandboxKeys

    def authenticate(self, request: Request, body: bytes, *, now: datetime) -> None:
        """Pass when the merchant signed exactly these bytes, lately. Raises Failed."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        said = dict(_SAID.findall(rest))
        stamp, nonce = said.get("timestamp", ""), said.get("nonce_str", "")
        if scheme != SCHEMA or said.get("mchid") != MCHID or said.get("serial_no") != MERCHANT_SERIAL:
            raise Failed(401, "SIGN_ERROR", "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
        if not stamp.isdigit() or abs(now.timestamp() - int(stamp)) > FRESH.total_seconds() or not nonce:
            raise Failed(401, "SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        message = f"{request.method}\n{target(request)}\n{stamp}\n{nonce}\n".encode() + body + b"\n"
        if not rsa.verifies(self.keys.merchant.public_key(), message, said.get("signature", "")):
            raise Failed(401, "SIGN_ERROR", "错误的签名，验签失败")

    def signed(self, body: bytes, *, now: datetime, serial: str) -> dict[str, str]:
        """The headers that vouch for ``body``. serial: the certificate's, or the id of the public key."""
        stamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        return {
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature": rsa.sign(self.keys.platform, f"{stamp}\n{nonce}\n".encode() + body + b"\n"),
            "Wechatpay-Signature-Type": SCHEMA,
            "Wechatpay-Timestamp": stamp,
        }

    def serial_for(self, request: Request) -> str:
        """Which of its keys the merchant wants answers under. Raises Failed for a key that is none."""
        wanted = request.headers.get("wechatpay-serial", self.keys.certificate_serial)
        if wanted not in (PUBLIC_KEY_ID, self.keys.certificate_serial):
            raise Failed(400, "PARAM_ERROR", "Wechatpay-Serial 无效")
        return wanted

    def sealed(self, plain: bytes, associated: str) -> dict[str, str]:
        """``plain`` under the APIv3 key."""
        nonce = secrets.token_hex(6)
        hidden = AESGCM(self.keys.api_key).encrypt(nonce.encode(), plain, associated.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(hidden).decode(),
            "associated_data": associated,
            "nonce": nonce,
        }

    def notice(self, *, id_: str, event: str, summary: str, kind: str, resource: dict[str, Any], at: datetime) -> bytes:
        """The body of a notification; the same at every try."""
        sealed = self.sealed(orjson.dumps(resource), kind) | {"original_type": kind}
        said = {
            "id": id_,
            "create_time": moment(at),
            "resource_type": "encrypt-resource",
            "event_type": event,
            "summary": summary,
            "resource": sealed,
        }
        return orjson.dumps(said)


def target(request: Request) -> str:
    """Path and query, as they came."""
    path = bytes(request.scope["raw_path"]).partition(b"?")[0].decode("ascii")
    query = bytes(request.scope["query_string"]).decode("ascii")
    return f"{path}?{query}" if query else path


def moment(at: datetime) -> str:
    """RFC 3339 in China's time, whole seconds."""
    return at.astimezone(CHINA).isoformat(timespec="seconds")
