"""Where devices push: authenticate the device, cap the body, hand it to the intake, answer after the commit.

The answer never opens a door, and a body a device cannot change is never refused: it is kept, counted and acknowledged.
A device that dawdles or asks for too much at once is told to come again; nothing is stored of that try.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.device_access import DeviceAccess
from api.eager import Done, begin
from api.json import JsonResponse
from api.protection import is_away
from domain.security.devices.directory import DeviceRef
from domain.security.devices.models import Vendor
from domain.security.devices.observation import Reason, Rejection
from integrations.devices import registry
from integrations.devices.intake import VENDORS, DeviceIntake, Taken
from integrations.devices.limits import BODY_BYTES, BODY_SECONDS, PUSHES_AT_ONCE

log = structlog.get_logger(__name__)

EVENTS: Final = "/devices/events"


class TooLarge(Exception):
    """The body is over the limit; what was read of it is dropped."""


class DevicePush:
    """The endpoints below ``/devices``. body_seconds: how long a body may take to arrive."""

    def __init__(self, access: DeviceAccess, intake: DeviceIntake, *, body_seconds: float = BODY_SECONDS) -> None:
        self._access = access
        self._intake = intake
        self._body_seconds = body_seconds
        self._under_way: Counter[int] = Counter()
        self.push = Push(self.events)

    def routes(self) -> list[Route]:
        """Zhian's contract; a vendor's own messages with Digest, Basic or Bearer; the same with a path secret."""
        return [
            Route("/devices/me", answered(self.me), methods=["GET"]),
            Route(EVENTS, self.push, methods=["POST"]),
            Route("/devices/{vendor}", Push(self.vendor), methods=["POST", "PUT"]),
            Route("/devices/{vendor}/{device}/{path_secret}", Push(self.secret_path), methods=["POST", "PUT"]),
        ]

    async def me(self, request: Request) -> Response:
        """``GET /devices/me``: 204 when the credential is good, 401 when it is not; for setting a device up."""
        device = await self._access.by_header(request)
        return self._access.refusal(request) if device is None else Response(status_code=204)

    async def events(self, request: Request) -> Response:
        """``POST /devices/events``: one message, an array or NDJSON of Zhian's contract; Bearer."""
        device = await self._access.by_header(request)
        if device is None:
            return self._access.refusal(request)
        taken = await self._take(request, device, Vendor.ZHIAN)
        if isinstance(taken, Response):
            return taken
        return JsonResponse(report(taken))

    async def vendor(self, request: Request) -> Response:
        """``POST /devices/{vendor}``: a vendor's own message."""
        vendor = request.path_params["vendor"]
        if vendor not in VENDORS:
            return JsonResponse({"code": "NOT_FOUND"}, 404)
        device = await self._access.by_header(request)
        if device is None:
            return self._access.refusal(request)
        return await self._answer(request, device, vendor)

    async def secret_path(self, request: Request) -> Response:
        """``POST /devices/{vendor}/{device}/{secret}``: for devices that can only be given a URL."""
        params = request.path_params
        device = await self._access.by_path(params["device"], params["path_secret"])
        if device is None or params["vendor"] not in VENDORS:
            return JsonResponse({"code": "NOT_FOUND"}, 404)
        return await self._answer(request, device, params["vendor"])

    async def _answer(self, request: Request, device: DeviceRef, vendor: str) -> Response:
        taken = await self._take(request, device, vendor)
        if isinstance(taken, Response):
            return taken
        status, content_type, body = registry.reply(vendor, taken.records)
        return Response(body, status, media_type=content_type or None)

    async def _take(self, request: Request, device: DeviceRef, vendor: str) -> Taken | Response:
        if self._under_way[device.id] >= PUSHES_AT_ONCE:
            return JsonResponse({"code": "RATE_LIMITED", "limit": PUSHES_AT_ONCE}, 429, headers={"Retry-After": "5"})
        self._under_way[device.id] += 1
        try:
            return await self._read_and_take(request, device, vendor)
        finally:
            self._under_way[device.id] -= 1
            if not self._under_way[device.id]:
                del self._under_way[device.id]

    async def _read_and_take(self, request: Request, device: DeviceRef, vendor: str) -> Taken | Response:
        content_type = request.headers.get("content-type", "")
        try:
            read = begin(read_capped(request, BODY_BYTES))
            if isinstance(read, Done):  # a small body has come with its head: no timer
                body = read.value
            else:
                async with asyncio.timeout(self._body_seconds):
                    body = await read
        except TimeoutError:
            return JsonResponse(
                {"code": "TOO_SLOW", "seconds": self._body_seconds}, 408, headers={"Connection": "close"}
            )
        except TooLarge:
            rejection = Rejection(Reason.TOO_LARGE, f"a body of more than {BODY_BYTES} bytes")
            await self._intake.refuse(device, rejection, content_type=content_type)
            return JsonResponse({"code": "TOO_LARGE", "limit": BODY_BYTES}, 413)
        return await self._intake.take(device, body, vendor=vendor, content_type=content_type, channel="http")


Handler = Callable[[Request], Awaitable[Response]]


def answered(handler: Handler) -> Handler:
    """``handler``, answering 503 whatever fails in it: nothing is acknowledged, the device sends again."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=400)  # half a body; nobody hears the answer
        except Exception as error:
            log.exception("push_not_taken", error=type(error).__name__, exc_info=not is_away(error))
            return JsonResponse({"code": "UNAVAILABLE"}, 503, headers={"Retry-After": "2"})

    return answer


class Push:
    """``handler`` as an ASGI endpoint: no exception leaves it, so Starlette's wrapping of handlers, a tenth of the cost
    of a push, is left out.
    """

    def __init__(self, handler: Handler) -> None:
        self._answer = answered(handler)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)


class PushFirst:
    """ASGI middleware: a push of Zhian's contract goes past the router and its wrapping, a seventh of its cost.

    Of everything served only this comes by the thousand a second. ``push``: what the route would lead to.
    """

    def __init__(self, app: ASGIApp, *, push: ASGIApp) -> None:
        self._app = app
        self._push = push

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pushed = scope["type"] == "http" and scope["path"] == EVENTS and scope["method"] == "POST"
        await (self._push if pushed else self._app)(scope, receive, send)


async def read_capped(request: Request, limit: int) -> bytes:
    """The body. Raises ClientDisconnect; TooLarge beyond ``limit`` bytes, before reading when its length is told."""
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and (len(told) > 15 or int(told) > limit):
        raise TooLarge
    body = bytearray()
    while True:  # not Request.stream: a generator for what nearly always is one chunk
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        if len(body) + len(chunk) > limit:
            raise TooLarge
        body += chunk
        if not message.get("more_body", False):
            return bytes(body)


def report(taken: Taken) -> dict[str, object]:
    """What the sender of Zhian's contract is told: counts, and why records were set aside, by their index."""
    counts = taken.outcome.counts
    rejected = [
        {"index": index, "reason": record.reason, "detail": record.detail}
        for index, record in enumerate(taken.records)
        if isinstance(record, Rejection)
    ]
    return {
        "received": counts.received,
        "stored": counts.stored,
        "duplicate": counts.duplicate,
        "quarantined": counts.quarantined,
        "rejected": rejected,
    }
