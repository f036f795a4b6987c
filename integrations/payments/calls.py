"""One outside party over HTTP: what it answers within the time, or that nobody can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import httpx
import structlog

from domain.community.payments.ports import GatewayUnknown

log = structlog.get_logger(__name__)

SECONDS: Final = 10.0
BILL_SECONDS: Final = 60.0
BILL_BYTES: Final = 64 << 20


class Caller:
    """Calls of one vendor. files: a client whose answers may be large, for bills. Neither follows redirects."""

    def __init__(
        self, vendor: str, client: httpx.AsyncClient, files: httpx.AsyncClient, *, seconds: float = SECONDS
    ) -> None:
        self._vendor = vendor
        self._client = client
        self._files = files
        self._seconds = seconds

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> httpx.Response:
        """The answer, whatever its status. ``body`` goes out as it is. Raises GatewayUnknown."""
        return await self._send(self._client, self._seconds, method, url, headers, body)

    async def fetch(self, url: str, headers: Mapping[str, str]) -> bytes:
        """A file. Raises GatewayUnknown, also when there is none."""
        answer = await self._send(self._files, BILL_SECONDS, "GET", url, headers, b"")
        if answer.status_code != httpx.codes.OK:
            raise self.unknown("bill", status=answer.status_code)
        return answer.content

    def unknown(self, what: str, **said: object) -> GatewayUnknown:
        """The error to raise, and a line in the log: neither holds what was sent or answered."""
        log.warning("payment.unknown", vendor=self._vendor, what=what, **said)
        return GatewayUnknown()

    async def _send(
        self,
        client: httpx.AsyncClient,
        seconds: float,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(seconds):
                return await client.request(method, url, headers=dict(headers), content=body or None)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise self.unknown("no_answer", error=type(error).__name__) from None
