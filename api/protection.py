"""What every answer carries to keep browsers and caches from misreading it, and the answer when nothing else did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import INTERNAL, language_of
from api.json import JsonResponse
from api.requests import request_id_of
from domain.kernel.errors import Unavailable

log = structlog.get_logger(__name__)

NOTHING_LOADED: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# A page names its own sources; without a word of its own it may still not be framed or rebased.
OF_A_PAGE: Final = "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
ONE_YEAR: Final = b"max-age=31536000; includeSubDomains"
STARTS: Final = ("http.response.start", "websocket.http.response.start")


class Protection:
    """ASGI middleware. Headers an answer has already stay as they are. secure: the public address is https."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = (*ALWAYS, (b"strict-transport-security", ONE_YEAR)) if secure else ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        begun = False

        async def protected(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] in STARTS:
                message["headers"] = self._completed(list(message.get("headers", ())))
            await send(message)

        try:
            await self._app(scope, receive, protected)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            await self._failed(scope, error)(scope, receive, protected)

    def _completed(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        there = {name.lower(): value for name, value in headers}
        policy = OF_A_PAGE if there.get(b"content-type", b"").startswith(b"text/html") else NOTHING_LOADED
        wanted = (*self._headers, (b"content-security-policy", policy.encode()))
        return [*headers, *((name, value) for name, value in wanted if name not in there)]

    @staticmethod
    def _failed(scope: Scope, error: Exception) -> Response:
        """503 while the database is away, else 500 with the id under which the error stands in the log."""
        if is_away(error):
            log.warning("database_away", error=type(error).__name__)
            texts, told = Unavailable.messages, {"code": Unavailable.code, "kind": Unavailable.kind}
            return _told(scope, texts, told, 503, {"retry-after": "2"})
        request_id = request_id_of(scope)
        log.error("request_failed", error=type(error).__name__, exc_info=error)
        return _told(scope, INTERNAL, {"code": "INTERNAL", "kind": "internal", "id": request_id}, 500)


def _told(
    scope: Scope, texts: Mapping[str, str], told: dict[str, str], status: int, headers: dict[str, str] | None = None
) -> Response:
    """The error as GraphQL writes it where GraphQL is spoken, else its members alone."""
    if scope["path"] != "/graphql":
        return JsonResponse(told, status, headers=headers)
    message = texts[language_of(Request(scope).headers.get("accept-language"))].format(**told)
    return JsonResponse({"errors": [{"message": message, "extensions": told}]}, status, headers=headers)


async def not_served(_: Request, error: Exception) -> Response:
    """The answer to an address or method that is not served; an exception handler of the application."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    codes: Mapping[int, str] = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
    told: dict[str, Any] = {"code": codes.get(error.status_code, "INVALID")}
    return JsonResponse(told, error.status_code, headers=error.headers)


def is_away(error: Exception) -> bool:
    """The database cannot be reached now: no fault of ours, and no traceback for each of a thousand devices."""
    cause = getattr(error, "orig", None) or error
    return isinstance(cause, OSError | NoConnectionFree) or str(getattr(cause, "sqlstate", None) or "")[:2] in (
        "08",
        "57",
    )
