"""A merchant's account at WeChat Pay: its keys and numbers, and its calls, signed and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson

from domain.community.payments.ports import GatewayRefused
from domain.kernel.clock import Clock
from integrations.payments.calls import Caller
from integrations.payments.wechat.signing import Merchant, Platform, Unverified

GATEWAY: Final = "https://api.mch.weixin.qq.com"
PUBLIC_KEY_MODE: Final = "PUB_KEY_ID_"
AGENT: Final = "zhian"
API_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class WechatAccount:
    """appid: of the page or mini program (JSAPI) and of codes (NATIVE). app_appid: of our own app; "" = no app.

    notify_url: where WeChat Pay reports to; https, without a query. Raises ValueError for an API key of another length.
    """

    merchant: Merchant
    platform: Platform
    api_key: bytes = field(repr=False)
    appid: str
    app_appid: str
    notify_url: str
    gateway: str = GATEWAY

    def __post_init__(self) -> None:
        if len(self.api_key) != API_KEY_BYTES:
            raise ValueError("WeChat Pay's APIv3 key has 32 characters")

    @property
    def wanted_serial(self) -> str:
        """The public key that answers are to be signed with, "" while the merchant is in certificate mode."""
        return next((each for each in self.platform.keys if each.startswith(PUBLIC_KEY_MODE)), "")


class WechatCalls:
    """Signed calls. target: path with query."""

    def __init__(self, account: WechatAccount, caller: Caller, *, clock: Clock) -> None:
        self._account = account
        self._caller = caller
        self._clock = clock

    async def get(self, target: str) -> dict[str, Any]:
        """A verified answer. Raises GatewayRefused with WeChat Pay's code, GatewayUnknown."""
        return await self._call("GET", target, b"")

    async def post(self, target: str, said: Mapping[str, object]) -> dict[str, Any]:
        """A verified answer, {} when it is empty. The bytes that are signed are those that are sent. Raises as get."""
        return await self._call("POST", target, orjson.dumps(said))

    async def file(self, url: str) -> bytes:
        """A file of the gateway's: what is in it is not signed. Raises GatewayUnknown."""
        gateway, asked = httpx.URL(self._account.gateway), httpx.URL(url)
        if (asked.scheme, asked.host, asked.port) != (gateway.scheme, gateway.host, gateway.port):
            raise self._caller.unknown("bill_elsewhere")
        target = asked.raw_path.decode("ascii")
        return await self._caller.fetch(f"{self._account.gateway}{target}", self._headers("GET", target, b""))

    def _headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        authorization = self._account.merchant.authorization(method, target, body, now=self._clock())
        headers = {"Authorization": authorization, "Accept": "application/json", "User-Agent": AGENT}
        if body:
            headers["Content-Type"] = "application/json"
        if serial := self._account.wanted_serial:
            headers["Wechatpay-Serial"] = serial
        return headers

    async def _call(self, method: str, target: str, body: bytes) -> dict[str, Any]:
        url = f"{self._account.gateway}{target}"
        answer = await self._caller.send(method, url, self._headers(method, target, body), body)
        if answer.status_code not in (200, 204):
            raise self._error(answer)
        try:
            self._account.platform.verify(answer.headers, answer.content, now=self._clock())
        except Unverified as error:
            raise self._caller.unknown("unverified", why=str(error)) from None
        said = _object(answer.content) if answer.content else {}
        if said is None:
            raise self._caller.unknown("unreadable")
        return said

    def _error(self, answer: httpx.Response) -> Exception:
        """What an answer that is none says: a refusal with its code, or nothing certain. Errors are not signed."""
        code = (_object(answer.content) or {}).get("code")
        if not 400 <= answer.status_code < 500 or answer.status_code == 429 or not isinstance(code, str):
            return self._caller.unknown("status", status=answer.status_code)
        return GatewayRefused(reason=code)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None
