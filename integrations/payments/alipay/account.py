"""An application's account at Alipay: its key and numbers, and its calls, signed and verified."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from domain.community.payments.ports import GatewayRefused
from domain.kernel.clock import Clock
from integrations.payments.alipay.certificates import Certificates, OneKey
from integrations.payments.alipay.signing import Merchant, Unverified, answered, member_of, named_serial
from integrations.payments.calls import Caller
from integrations.payments.rsa import UnsafeKey

GATEWAY: Final = "https://openapi.alipay.com/gateway.do"
FORM: Final = "application/x-www-form-urlencoded;charset=utf-8"
DONE, BUSY = "10000", "20000"
DOWNLOAD: Final = "alipay.open.app.alipaycert.download"
DOWNLOAD_PAUSE: Final = timedelta(minutes=1)
_SERIAL: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class AlipayAccount:
    """merchant: who signs. keys: of public-key or of certificate mode. seller_id: the merchant's number, 2088….
    notify_url: where Alipay reports to."""

    merchant: Merchant
    keys: OneKey | Certificates
    seller_id: str
    notify_url: str
    gateway: str = GATEWAY


class AlipayCalls:
    """Signed calls of the gateway."""

    def __init__(self, account: AlipayAccount, caller: Caller, *, clock: Clock) -> None:
        self._account = account
        self._caller = caller
        self._clock = clock
        self._downloading = asyncio.Lock()
        self._downloaded_at: datetime | None = None

    def signed(self, method: str, content: Mapping[str, object], **more: str) -> str:
        """A signed order as a client's SDK takes it, or what stands behind "?" of a page's address."""
        return urlencode(self._account.merchant.signed(method, content, now=self._clock(), **more))

    async def call(self, method: str, content: Mapping[str, object], **more: str) -> dict[str, Any]:
        """A verified answer that says success. Raises GatewayRefused with Alipay's code, GatewayUnknown.

        All but the content stands in the address: Alipay reads the charset there before it reads the body.
        """
        answer = await self._send(method, content, **more)
        try:
            text = answer.content.decode("utf-8")
            await self._learn(named_serial(text))
            told = answered(self._account.keys, text, method)
        except (Unverified, UnicodeDecodeError) as error:
            why = str(error) if isinstance(error, Unverified) else "not UTF-8"
            raise self._caller.unknown("unverified", why=why) from None
        code, reason = told.get("code"), str(told.get("sub_code") or told.get("code"))
        if code == DONE:
            return told
        if code == BUSY or reason.startswith("isp.unknow") or reason.endswith("SYSTEM_ERROR"):
            raise self._caller.unknown("busy", code=reason)
        raise GatewayRefused(reason=reason)

    async def _send(self, method: str, content: Mapping[str, object], **more: str) -> httpx.Response:
        """What Alipay answered with 200, not verified. Raises GatewayUnknown."""
        said = self._account.merchant.signed(method, content, now=self._clock(), **more)
        body = urlencode({"biz_content": said.pop("biz_content")}).encode()
        url = f"{self._account.gateway}?{urlencode(said)}"
        answer = await self._caller.send("POST", url, {"Content-Type": FORM, "Accept": "application/json"}, body)
        if answer.status_code != 200:
            raise self._caller.unknown("status", status=answer.status_code)
        return answer

    async def _learn(self, serial: str) -> None:
        """Fetch a certificate that Alipay signs with now and that nobody here has seen; at most one in a minute.

        The answer is not verified, and need not be: a certificate is believed when it leads to a root. Raises
        Unverified when it cannot be had; whoever named it is not known then.
        """
        keys = self._account.keys
        if isinstance(keys, OneKey) or keys.knows(serial):
            return
        async with self._downloading:
            if keys.knows(serial):
                return
            now = self._clock()
            soon = self._downloaded_at is not None and now < self._downloaded_at + DOWNLOAD_PAUSE
            if soon or not _SERIAL.fullmatch(serial):
                raise Unverified("signed with a certificate that is not known")
            self._downloaded_at = now
            answer = await self._send(DOWNLOAD, {"alipay_cert_sn": serial})
            try:
                content = json.loads(answer.content)[member_of(DOWNLOAD)]["alipay_cert_content"]
                keys.add_download(content, serial)
            except (ValueError, KeyError, TypeError) as error:
                why = str(error) if isinstance(error, UnsafeKey) else "no certificate"
                raise Unverified(f"signed with a certificate that cannot be had: {why}") from error
