"""A name for every request, in the logs of everything it causes and in the answer; and its one log line."""

from __future__ import annotations

import re
import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("api.access")

HEADER = b"x-request-id"
_KEY = "zhian.request_id"
_GOOD = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_SECRET = re.compile(r"(?<=/)[^/]{24,}")
_SECRET_PATH = re.compile(r"^(/+devices/+[^/]+/+[0-9]{1,10})/.*", re.DOTALL)


class RequestId:
    """ASGI middleware. Takes the caller's X-Request-Id when it is well-formed, else makes one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        request_id = given.decode() if _GOOD.fullmatch(given) else secrets.token_hex(8)
        scope[_KEY] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started, status = time.perf_counter(), 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, named)
        finally:
            log.debug(
                "request",
                method=scope.get("method", "WEBSOCKET"),
                path=shown(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )


def request_id_of(scope: Scope) -> str:
    """The name of the request; "" of one that did not come through ``RequestId``."""
    return str(scope.get(_KEY, ""))


def shown(path: str) -> str:
    """``path`` as logs may have it: without a device's path secret, or anything as long as a secret."""
    return _SECRET.sub("…", _SECRET_PATH.sub(r"\1/…", path))[:200]
