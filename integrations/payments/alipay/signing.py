"""Signatures of Alipay's gateway: RSA2 over sorted parameters; answers over the raw substring of their JSON.

Source: Alipay Open Platform, "自行实现签名" and "异步通知验签".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Protocol
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from integrations.payments import rsa

CHINA = timezone(timedelta(hours=8))


class Unverified(ValueError):
    """Not signed by Alipay; nothing of it may be believed. Says which check failed, no content."""


class Keys(Protocol):
    """What Alipay's signatures are verified with."""

    def verifies(self, message: bytes, signature: str, serial: str) -> bool:
        """Whether Alipay signed ``message``. serial: of the certificate it names, "" = none. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who signs our requests. serials: in certificate mode ``app_cert_sn`` and ``alipay_root_cert_sn``."""

    app_id: str
    key: RSAPrivateKey = field(repr=False)
    serials: Mapping[str, str] = field(default_factory=dict)

    def signed(self, method: str, content: Mapping[str, object], *, now: datetime, **more: str) -> dict[str, str]:
        """All parameters of a call of ``method``, signed. more: such as ``notify_url``; empty ones are left out."""
        said = {
            "app_id": self.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": now.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        }
        said |= {name: value for name, value in {**self.serials, **more}.items() if value}
        return said | {"sign": rsa.sign(self.key, _sorted(said))}


def _sorted(said: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={said[name]}" for name in sorted(said) if said[name] and name != "sign").encode()


def named_serial(body: str) -> str:
    """The number of the certificate with which an answer says it is signed; "" when it names none. Not verified."""
    try:
        serial = json.loads(body)["alipay_cert_sn"]
    except (ValueError, KeyError, TypeError):
        return ""
    return serial if isinstance(serial, str) else ""


def answered(keys: Keys, body: str, method: str) -> dict[str, object]:
    """The verified ``<method>_response`` in an answer's ``body``. Raises Unverified.

    The signature is of the member's text as it stands: parsed and written anew, escapes such as ``\\/`` are lost.
    """
    try:
        whole = json.loads(body)
        signature = whole["sign"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unverified("without a signature") from error
    for name in (member_of(method), "error_response"):
        raw = _member(body, name)
        if raw is not None:
            if not isinstance(signature, str) or not keys.verifies(raw.encode(), signature, named_serial(body)):
                raise Unverified("the signature is not of this answer")
            said = json.loads(raw)
            if not isinstance(said, dict):
                raise Unverified("not an answer")
            return said
    raise Unverified("no answer to this call")


def member_of(method: str) -> str:
    """The member of an answer that holds what ``method`` answers."""
    return f"{method.replace('.', '_')}_response"


def _member(body: str, wanted: str) -> str | None:
    """The raw text of the top-level member ``wanted`` of the JSON object ``body``; None when it has none.

    Walked with the JSON scanner itself, so that the name inside a string or a nested object is not taken for it. Of
    several of that name none is taken: readers differ in which one they see.
    """
    decoder, found, at = json.JSONDecoder(), None, body.index("{") + 1
    while True:
        at = _past_space(body, at)
        if body[at] == "}":
            return found
        name, at = decoder.raw_decode(body, at)
        at = _past_space(body, _past_space(body, at) + 1)  # the colon
        _, end = decoder.raw_decode(body, at)
        if name == wanted:
            if found is not None:
                raise Unverified("the answer stands twice")
            found = body[at:end]
        at = _past_space(body, end)
        if body[at] == ",":
            at += 1


def _past_space(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def notified(keys: Keys, body: bytes) -> dict[str, str]:
    """The verified parameters of a notification (form-urlencoded). Raises Unverified.

    ``sign`` and ``sign_type`` are not signed; nested JSON stays the text it is.
    """
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise Unverified("not a form") from error
    said = dict(pairs)
    if len(said) != len(pairs):
        raise Unverified("a parameter stands twice")
    signature, kind = said.pop("sign", ""), said.pop("sign_type", "")
    if kind != "RSA2":
        raise Unverified("not signed by RSA2")
    if not keys.verifies(_sorted(said), signature, said.get("alipay_cert_sn", "")):
        raise Unverified("the signature is not of these parameters")
    return said
