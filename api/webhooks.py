"""Where outside parties report back: signed, not older than five minutes, each report taken once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from api.devices import TooLarge, read_capped
from api.json import JsonResponse
from domain.kernel.actor import NOTHING, Scope, system_actor
from domain.kernel.errors import DomainError
from domain.kernel.uow import Database
from domain.security.notifications.receipts import Fate, Receipt, take_receipt
from integrations.messaging.signing import NotAuthentic, Secrets, verify

log = structlog.get_logger(__name__)

BODY_BYTES: Final = 16_384
BODY_SECONDS: Final = 10.0
DELIVERY: Final = "delivery.receipt"
STATUSES: Final = {"not_found": 404, "conflict": 409}


class Callbacks:
    """``POST /callbacks/delivery``. secrets: what the gateway signs with; None = nobody may report."""

    def __init__(self, database: Database, secrets: Secrets | None, *, body_seconds: float = BODY_SECONDS) -> None:
        self._database = database
        self._secrets = secrets
        self._body_seconds = body_seconds

    def routes(self) -> list[Route]:
        """The one endpoint."""
        return [Route("/callbacks/delivery", self.delivery, methods=["POST"])]

    async def delivery(self, request: Request) -> Response:
        """204 when the report is taken; the signature is checked over the bytes as they came, before they are read."""
        if self._secrets is None:
            return refused("NOT_FOUND", 404)
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await read_capped(request, BODY_BYTES)
            message_id = verify(self._secrets(), _lowered(request), body, now=self._database.clock())
            receipt = read_receipt(body)
            scope = NOTHING if receipt.place is None else Scope(compounds=(receipt.place[0],))
            async with self._database.unit_of_work(system_actor(scope)) as uow:
                await take_receipt(uow, message_id=message_id, receipt=receipt)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears the answer
        except TooLarge:
            return refused("TOO_LARGE", 413)
        except TimeoutError:
            return refused("TOO_SLOW", 408)
        except NotAuthentic:
            log.warning("callback.refused", path=request.url.path)
            return refused("UNAUTHENTICATED", 401)
        except NoReceipt:
            return refused("BAD_REQUEST", 400)
        except DomainError as error:
            return refused(error.code, STATUSES.get(error.kind, 400))
        return Response(status_code=204)


def refused(code: str, status: int) -> Response:
    """A refusal that says no more than its code."""
    return JsonResponse({"code": code}, status)


def _lowered(request: Request) -> Mapping[str, str]:
    """The headers of the signature; one that stands there twice counts as missing."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    found = {name: request.headers.getlist(name) for name in names}
    return {name: values[0] for name, values in found.items() if len(values) == 1}


class NoReceipt(Exception):
    """An authentic message that is no delivery receipt."""


def read_receipt(body: bytes) -> Receipt:
    """The report in ``{"type": "delivery.receipt", "data": {"key": …, "state": "delivered" | "failed"}}``.

    Raises NoReceipt for anything else; a message of ours that comes back is something else too.
    """
    try:
        said: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NoReceipt from None
    data = said.get("data") if isinstance(said, dict) and said.get("type") == DELIVERY else None
    if not isinstance(data, dict) or not isinstance(data.get("key"), str) or data.get("state") not in list(Fate):
        raise NoReceipt
    return Receipt(data["key"], Fate(data["state"]))
