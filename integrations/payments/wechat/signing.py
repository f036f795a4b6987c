"""Signatures of WeChat Pay v3, over the exact bytes that are sent.

Of a request: method, path with query, timestamp, nonce and body, each followed by a newline. Of an answer or a
notification: timestamp, nonce and body, by the key that ``Wechatpay-Serial`` names (a platform certificate's serial, or
``PUB_KEY_ID_…``). Source: WeChat Pay merchant documentation, API v3, "签名生成" and "签名验证".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from integrations.payments import rsa

SCHEMA = "WECHATPAY2-SHA256-RSA2048"
FRESH = timedelta(minutes=5)


class Unverified(ValueError):
    """Not signed by WeChat Pay, or not now; nothing of it may be believed. Says which check failed, no content."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who signs our requests: the merchant number, the certificate's serial and its private key."""

    mchid: str
    serial: str
    key: RSAPrivateKey = field(repr=False)

    def authorization(self, method: str, target: str, body: bytes, *, now: datetime, nonce: str | None = None) -> str:
        """The ``Authorization`` header of a request. target: path with query, as sent; body: the bytes as sent."""
        stamp, once = str(int(now.timestamp())), nonce or secrets.token_hex(16)
        message = f"{method}\n{target}\n{stamp}\n{once}\n".encode() + body + b"\n"
        said = {
            "mchid": self.mchid,
            "nonce_str": once,
            "signature": rsa.sign(self.key, message),
            "timestamp": stamp,
            "serial_no": self.serial,
        }
        return f"{SCHEMA} " + ",".join(f'{name}="{value}"' for name, value in said.items())

    def jsapi(self, appid: str, prepay_id: str, *, now: datetime, nonce: str | None = None) -> dict[str, str]:
        """What ``wx.requestPayment`` is called with, in the mini program or the page inside WeChat."""
        stamp, once, package = str(int(now.timestamp())), nonce or secrets.token_hex(16), f"prepay_id={prepay_id}"
        signature = rsa.sign(self.key, f"{appid}\n{stamp}\n{once}\n{package}\n".encode())
        names = {"appId": appid, "timeStamp": stamp, "nonceStr": once, "package": package}
        return names | {"signType": "RSA", "paySign": signature}

    def app(self, appid: str, prepay_id: str, *, now: datetime, nonce: str | None = None) -> dict[str, str]:
        """What the SDK of our own app opens WeChat with. It signs the bare prepay id, unlike JSAPI."""
        stamp, once = str(int(now.timestamp())), nonce or secrets.token_hex(16)
        signature = rsa.sign(self.key, f"{appid}\n{stamp}\n{once}\n{prepay_id}\n".encode())
        names = {"appid": appid, "partnerid": self.mchid, "prepayid": prepay_id, "package": "Sign=WXPay"}
        return names | {"noncestr": once, "timestamp": stamp, "sign": signature}


@dataclass(frozen=True, slots=True)
class Platform:
    """The keys WeChat Pay signs with, by serial; several while it changes them."""

    keys: Mapping[str, RSAPublicKey]

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> None:
        """Pass, or raise Unverified. ``headers`` by lower-case name; ``body``: the bytes as received."""
        stamp, nonce = headers.get("wechatpay-timestamp", ""), headers.get("wechatpay-nonce", "")
        key = self.keys.get(headers.get("wechatpay-serial", ""))
        if key is None:
            raise Unverified("signed by a key that is not known")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
            raise Unverified("without a time")
        if abs(now.timestamp() - int(stamp)) >= FRESH.total_seconds():
            raise Unverified("not signed within five minutes")
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        if not rsa.verifies(key, message, headers.get("wechatpay-signature", "")):
            raise Unverified("the signature is not of these bytes")
