"""GraphQL over HTTP: one operation per request, one JSON document or one event stream per response.

https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import structlog
from graphql import GraphQLError, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.execution.access import SignIn
from api.execution.documents import Refused
from api.execution.engine import Operation
from api.execution.negotiation import HTML, RESPONSE_JSON, Offer, read_accept
from api.execution.requests import BadRequest, GraphQLRequest, read_json, read_request
from api.execution.sse import EventStream
from api.execution.wiring import Wiring, client_of
from domain.kernel.errors import DomainError, Limited, Unauthenticated

log = structlog.get_logger(__name__)

ShowPage = Callable[[], Response]


class Exchange:
    """One request and its response."""

    def __init__(self, wiring: Wiring, page: ShowPage | None, scope: Scope, receive: Receive, send: Send) -> None:
        self._wiring = wiring
        self._page = page
        self._scope = scope
        self._receive = receive
        self._send = send
        self._request = Request(scope, receive)
        self._offer: Offer = read_accept(self._request.headers.get("accept", ""))

    async def run(self) -> None:
        """Answer the request."""
        try:
            response = await self._answer()
        except BadRequest as error:
            response = await self._refuse([GraphQLError(str(error), extensions={"code": "BAD_REQUEST"})], error.status)
            response.headers.update(error.headers)
        except ClientDisconnect:
            return
        if response is not None:
            await response(self._scope, self._receive, self._send)

    async def _answer(self) -> Response | None:
        request = self._request
        if self._page is not None and request.method == "GET" and self._wants_page():
            return self._page()
        if request.method not in ("GET", "POST"):
            raise BadRequest("Only GET and POST are supported", 405, {"allow": "GET, POST"})
        if request.method == "GET" and not self._wiring.profile.get and not self._names_document():
            raise BadRequest("Only POST is supported", 405, {"allow": "POST"})
        if self._offer.document is None and not self._offer.stream:
            raise BadRequest("None of the accepted media types is available", 406)
        asked = self._read_query() if request.method == "GET" else read_request(await self._read_body())
        try:
            sign_in = await self._wiring.authenticate(self._credentials())
            operation = await self._wiring.engine.prepare(asked, sign_in.actor, client_of(request))
        except DomainError as error:
            status = 401 if isinstance(error, Unauthenticated) else 403
            return await self._refuse([GraphQLError(str(error), original_error=error)], status)
        except Refused as refused:
            return await self._refused(refused)
        if request.method == "GET" and operation.kind is OperationType.MUTATION:
            raise BadRequest("Mutations need POST", 405, {"allow": "POST"})
        if self._offer.stream:
            await EventStream(self._wiring, sign_in, request, self._credentials(), self._send).run(operation)
            return None
        if operation.kind is OperationType.SUBSCRIPTION:
            raise BadRequest(
                "Subscriptions need the graphql-transport-ws protocol, or `Accept: text/event-stream` without "
                "application/* types"
            )
        return await self._execute(sign_in, operation)

    async def _execute(self, sign_in: SignIn, operation: Operation) -> Response:
        context = self._wiring.make_context(sign_in, self._request)
        try:
            result = await self._wiring.engine.execute(operation, context)
            body, executed = self._wiring.engine.results.body(result, context)
        finally:
            await context.close()
        return self._respond(body, 200 if executed or not self._strict else 400)

    @property
    def _strict(self) -> bool:
        """Whether the media type has the status say what went wrong."""
        return self._offer.document == RESPONSE_JSON

    def _wants_page(self) -> bool:
        return self._offer.names(HTML) and not {"query", "documentId"} & self._request.query_params.keys()

    def _names_document(self) -> bool:
        """Whether the document is named, not sent: without a text of their own GET requests are harmless."""
        asked = self._request.query_params
        return not asked.get("query") and ("documentId" in asked or "extensions" in asked)

    def _credentials(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self._request.headers.items()}

    def _read_query(self) -> GraphQLRequest:
        asked: dict[str, Any] = dict(self._request.query_params)
        for name in ("variables", "extensions"):
            if asked.get(name):
                asked[name] = read_json(asked[name], self._wiring.limits)
            else:
                asked.pop(name, None)
        return read_request(asked)

    async def _read_body(self) -> Any:
        kind, _, parameters = self._request.headers.get("content-type", "").partition(";")
        if kind.strip().lower() != "application/json":
            raise BadRequest("The content type must be application/json", 415)
        charset = parameters.strip().lower().removeprefix("charset=").strip('"') if "charset" in parameters else "utf-8"
        if charset not in ("utf-8", "utf8"):
            raise BadRequest("The charset must be utf-8", 415)
        most = self._wiring.limits.body_bytes
        length = self._request.headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 12 or int(length) > most:
            raise BadRequest(f"The body is larger than {most} bytes", 413, {"connection": "close"})
        body = bytearray()
        try:
            async with asyncio.timeout(self._wiring.limits.body_seconds):
                async for part in self._request.stream():
                    body += part
                    if len(body) > most:
                        raise BadRequest(f"The body is larger than {most} bytes", 413, {"connection": "close"})
        except TimeoutError as error:
            raise BadRequest("The body took too long", 408, {"connection": "close"}) from error
        return read_json(bytes(body), self._wiring.limits)

    async def _refused(self, refused: Refused) -> Response:
        original = refused.errors[0].original_error
        response = await self._refuse(refused.errors, 400 if self._strict or self._offer.document is None else 200)
        if isinstance(original, Limited):
            response.status_code = 429
            response.headers["retry-after"] = str(original.retry_after)
        return response

    async def _refuse(self, errors: list[GraphQLError], status: int) -> Response:
        nobody = await self._wiring.authenticate({})
        context = self._wiring.make_context(nobody, self._request)  # it knows the request's language
        try:
            body = orjson.dumps({"errors": self._wiring.engine.results.errors(errors, context)})
        finally:
            await context.close()
        response = self._respond(body, status)
        if status == 401:
            response.headers["www-authenticate"] = "Bearer"
        return response

    def _respond(self, body: bytes, status: int) -> Response:
        media_type = f"{self._offer.document or RESPONSE_JSON}; charset=utf-8"
        return Response(body, status, headers={"content-type": media_type, "cache-control": "no-store"})
