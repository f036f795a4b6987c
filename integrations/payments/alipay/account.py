"""An application's account at Alipay: its key and numbers, and its calls, signed and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from domain.community.payments.ports import GatewayRefused
from domain.kernel.clock import Clock
from integrations.payments.alipay.signing import Merchant, Unverified, answered
from integrations.payments.calls import Caller

GATEWAY: Final = "https://openapi.alipay.com/gateway.do"
FORM: Final = "application/x-www-form-urlencoded;charset=utf-8"
DONE, BUSY = "10000", "20000"


@dataclass(frozen=True, slots=True)
class AlipayAccount:
    """merchant: who signs. seller_id: the merchant's number, 2088…. notify_url: where Alipay reports to."""

    merchant: Merchant
    key: RSAPublicKey
    seller_id: str
    notify_url: str
    gateway: str = GATEWAY


class AlipayCalls:
    """Signed calls of the gateway."""

    def __init__(self, account: AlipayAccount, caller: Caller, *, clock: Clock) -> None:
        self._account = account
        self._caller = caller
        self._clock = clock

    def signed(self, method: str, content: Mapping[str, object], **more: str) -> str:
        """A signed order as a client's SDK takes it, or what stands behind "?" of a page's address."""
        return urlencode(self._account.merchant.signed(method, content, now=self._clock(), **more))

    async def call(self, method: str, content: Mapping[str, object], **more: str) -> dict[str, Any]:
        """A verified answer that says success. Raises GatewayRefused with Alipay's code, GatewayUnknown.

        All but the content stands in the address: Alipay reads the charset there before it reads the body.
        """
        said = self._account.merchant.signed(method, content, now=self._clock(), **more)
        body = urlencode({"biz_content": said.pop("biz_content")}).encode()
        url = f"{self._account.gateway}?{urlencode(said)}"
        answer = await self._caller.send("POST", url, {"Content-Type": FORM, "Accept": "application/json"}, body)
        if answer.status_code != 200:
            raise self._caller.unknown("status", status=answer.status_code)
        try:
            told = answered(self._account.key, answer.content.decode("utf-8"), method)
        except (Unverified, UnicodeDecodeError) as error:
            why = str(error) if isinstance(error, Unverified) else "not UTF-8"
            raise self._caller.unknown("unverified", why=why) from None
        code, reason = told.get("code"), str(told.get("sub_code") or told.get("code"))
        if code == DONE:
            return told
        if code == BUSY or reason.startswith("isp.unknow") or reason.endswith("SYSTEM_ERROR"):
            raise self._caller.unknown("busy", code=reason)
        raise GatewayRefused(reason=reason)
