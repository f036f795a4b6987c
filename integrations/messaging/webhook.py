"""Text messages and pushes over a site's own gateway: signed requests to one URL for each.

What the gateway answers: 2xx = it has the message, now or since an earlier attempt under the same ``webhook-id``; with
a JSON member ``receipt`` its own id of it. Anything else, and nothing within the time, is Unavailable: the outbox tries
again under the same id.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

import httpx
import orjson
import structlog

from domain.kernel.clock import Clock
from domain.kernel.errors import Unavailable
from domain.security.notifications.ports import Push
from integrations.messaging.signing import Secrets, sign

log = structlog.get_logger(__name__)

SECONDS: Final = 4.0  # within what the worker gives a call
_RECEIPT: Final = re.compile(r"[!-~]{1,200}")


class Gateway:
    """One URL messages are posted to."""

    def __init__(
        self, url: str, secrets: Secrets, client: httpx.AsyncClient, *, clock: Clock, seconds: float = SECONDS
    ) -> None:
        self._url = url
        self._secrets = secrets
        self._client = client
        self._clock = clock
        self._seconds = seconds

    async def post(self, kind: str, data: Mapping[str, object], *, key: str) -> str:
        """Hand a message over; returns the receipt, ``key`` itself when the gateway names none. Raises Unavailable."""
        now = self._clock()
        body = orjson.dumps({"type": kind, "timestamp": now.isoformat(), "data": data})
        headers = sign(self._secrets(), id_=key, body=body, now=now) | {"content-type": "application/json"}
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            # Neither the URL, which may hold a token, nor the message belongs into a log.
            log.warning("gateway.no_answer", kind=kind, key=key, error=type(error).__name__)
            raise Unavailable from None
        if not response.is_success:
            log.warning("gateway.refused", kind=kind, key=key, status=response.status_code)
            raise Unavailable
        return _receipt(response.content) or key


def _receipt(body: bytes) -> str | None:
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    receipt = answer.get("receipt") if isinstance(answer, dict) else None
    return receipt if isinstance(receipt, str) and _RECEIPT.fullmatch(receipt) else None


class WebhookSms:
    """Implements ``domain.identity.ports.SmsPort``: ``sms.send`` with ``phone`` (E.164) and ``text``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def send(self, *, phone: str, text: str, key: str) -> None:
        """Hand the message over. Raises Unavailable."""
        await self._gateway.post("sms.send", {"phone": phone, "text": text}, key=key)


class WebhookPush:
    """Implements ``domain.security.notifications.ports.PushPort``: ``push.send``; the gateway knows accounts by id."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def push(self, push: Push, *, key: str) -> str:
        """Hand the push over; the gateway's receipt. Raises Unavailable."""
        data = {
            "account": push.account_id,
            "title": push.title,
            "body": push.body,
            "collapse": push.collapse,
            "urgent": push.urgent,
            "link": push.link,
        }
        return await self._gateway.post("push.send", data, key=key)
