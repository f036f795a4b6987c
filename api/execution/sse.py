"""The event stream of one operation: graphql-sse, distinct connections mode.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Items of a live feed carry ``id: <cursor>``;
``Last-Event-ID`` resumes there, whatever the operation's own ``after`` says.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Send

from api.execution.access import Credentials, Farewell, SignIn
from api.execution.engine import Operation
from api.execution.negotiation import EVENT_STREAM
from api.execution.outgoing import Outgoing
from api.execution.requests import BadRequest
from api.execution.server import cutter
from api.execution.streams import Stop, StreamedOperation
from api.execution.wiring import Wiring
from domain.kernel.errors import DomainError
from domain.kernel.paging import LogCursor

HEADERS = [
    (b"content-type", f"{EVENT_STREAM}; charset=utf-8".encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """A connection and, at once, the outlet of its one operation."""

    ended = False

    def __init__(self, wiring: Wiring, sign_in: SignIn, request: Request, credentials: Credentials, send: Send) -> None:
        self._wiring = wiring
        self._request = request
        self._send = send
        self._over = asyncio.Event()
        self._cut = False
        self.sign_in = sign_in
        self.credentials = credentials
        limits = wiring.limits
        self._out = Outgoing(
            self._write, capacity=limits.queue, overflowed=self._overflowed, idle=(limits.heartbeat_seconds, ":\n\n")
        )

    async def run(self, operation: Operation) -> None:
        """Stream ``operation`` until it is complete, the peer leaves, or the sign-in ends."""
        resume = self._resume()
        await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        self._out.put(":\n\n")
        runner = StreamedOperation(self._wiring, self.sign_in, self._request, self)
        self._wiring.connections.add(self)
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._out.run()),
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._expire()),
        ]
        operating = asyncio.create_task(runner.run_prepared(operation, resume=resume))
        tasks.append(operating)
        operating.add_done_callback(self._operated)
        try:
            await self._over.wait()
        finally:
            self._wiring.connections.remove(self)
            for task in tasks:
                task.cancel()
            stop: Stop | None = None
            if operating.done() and not operating.cancelled() and operating.exception() is None:
                stop = operating.result()
            if stop is not None:
                stop()
        if not self._cut:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def offer(self, payload: str, cursor: LogCursor | None) -> bool:
        """See ``Outlet``."""
        head = f"id: {cursor.encode()}\nevent: next\ndata: " if cursor is not None else "event: next\ndata: "
        return self._out.put(head, payload, "\n\n")

    async def room(self) -> None:
        """See ``Outlet``."""
        await self._out.room()

    def fail(self, errors: list[dict[str, Any]]) -> None:
        """See ``Outlet``: one result with the errors, then the end."""
        self.offer(orjson.dumps({"errors": errors}).decode(), None)
        self.complete()

    def complete(self) -> None:
        """See ``Outlet``."""
        self._out.put("event: complete\ndata:\n\n")
        self._out.put("")

    def end(self, code: Farewell, reason: str) -> None:
        """See ``Connection``: the stream breaks off; the client asks again and resumes by cursor."""
        if self._out.blocked_since is not None and (cut := cutter(self._request.scope)):
            self._cut = True
            cut(code, reason, 0)
        self._over.set()

    def blocked_since(self) -> float | None:
        """See ``Connection``."""
        return self._out.blocked_since

    def _resume(self) -> LogCursor | None:
        last = self._request.headers.get("last-event-id")
        if not last:
            return None
        try:
            return LogCursor.decode(last)
        except DomainError as error:
            raise BadRequest(f"Last-Event-ID: {error.message()}") from error

    def _overflowed(self) -> None:
        self.end(Farewell.TRY_LATER, "Reading too slowly")

    def _operated(self, task: asyncio.Task[Stop | None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._over.set()

    async def _expire(self) -> None:
        left = self._wiring.seconds_left(self.sign_in)
        if left is not None:
            await asyncio.sleep(left)
            self.end(Farewell.ACCESS_ENDED, "Token expired")

    async def _listen(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        self._over.set()

    async def _write(self, text: str) -> None:
        if not text:  # behind the last frame
            self._over.set()
            return
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})
