"""The graphql-transport-ws protocol over one WebSocket.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Anything not in the format closes with 4400. Where the
protocol leaves a choice: a syntax error ends its operation, not the socket; a ping's payload is echoed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import structlog
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from api.execution.access import Credentials, Farewell, SignIn, Stranger
from api.execution.outgoing import Outgoing
from api.execution.requests import BadRequest, GraphQLRequest, read_json, read_request
from api.execution.server import cutter
from api.execution.streams import Stop, StreamedOperation
from api.execution.wiring import Wiring
from domain.kernel.errors import DomainError
from domain.kernel.paging import LogCursor

log = structlog.get_logger(__name__)

PROTOCOL = "graphql-transport-ws"


class _Bye(Exception):
    def __init__(self, code: Farewell, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def origin_allowed(headers: Credentials, origins: frozenset[str]) -> bool:
    """Whether the page that opens the socket may: none named (not a browser), our own host, or one of ``origins``."""
    origin = headers.get("origin")
    if origin is None or headers.get("sec-fetch-site") == "same-origin" or origin in origins:
        return True
    return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""


class _Operation:
    """One operation of a socket: an outlet that writes ``next``, ``error`` and ``complete`` with its id."""

    def __init__(self, socket: Socket, id_: str) -> None:
        self._socket = socket
        self._id = orjson.dumps(id_).decode()
        self._head = f'{{"id":{self._id},"type":"next","payload":'
        self.key = id_
        self.ended = False
        self.task: asyncio.Task[None] | None = None
        self.stop: Stop | None = None

    async def run(self, operation: StreamedOperation, request: GraphQLRequest) -> None:
        stop = await operation.run(request)
        if stop is not None:
            self.stop = stop
            if self.ended:
                stop()

    def offer(self, payload: str, cursor: LogCursor | None) -> bool:
        del cursor  # it is in the item
        return self._socket.out.put(self._head, payload, "}", self)

    async def room(self) -> None:
        await self._socket.out.room()

    def fail(self, errors: list[dict[str, Any]]) -> None:
        self._socket.out.put(f'{{"id":{self._id},"type":"error","payload":{orjson.dumps(errors).decode()}}}')
        self._socket.forget(self)

    def complete(self) -> None:
        self._socket.out.put(f'{{"id":{self._id},"type":"complete"}}')
        self._socket.forget(self)

    def cancel(self) -> None:
        """Stop at once; what is still queued is not sent."""
        self.ended = True
        if self.stop is not None:
            self.stop()
        if self.task is not None:
            self.task.cancel()


class Socket:
    """One connection, from handshake to close."""

    def __init__(self, wiring: Wiring, scope: Scope, receive: Receive, send: Send) -> None:
        self._wiring = wiring
        self._scope = scope
        self._receive = receive
        self._send = send
        self._connection = HTTPConnection(scope)
        self._headers = {k.lower(): v for k, v in self._connection.headers.items()}
        self._operations: dict[str, _Operation] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._initialised = False
        self._closing: asyncio.Task[None] | None = None
        self._sender: asyncio.Task[None] | None = None
        self.credentials: Credentials = self._headers
        self.sign_in: SignIn = Stranger()
        self._acknowledged = False
        self.out = Outgoing(self._write, capacity=wiring.limits.queue, overflowed=self._overflowed)

    async def run(self) -> None:
        """Serve the socket until it is closed."""
        if (await self._receive())["type"] != "websocket.connect":
            return
        if not origin_allowed(self._headers, self._wiring.origins):
            await self._send({"type": "websocket.close", "code": 1008})
            return
        spoken = PROTOCOL in self._scope.get("subprotocols", ())
        await self._send({"type": "websocket.accept", "subprotocol": PROTOCOL if spoken else None})
        if not spoken:
            await self._send({"type": "websocket.close", "code": int(Farewell.PROTOCOL), "reason": "Unknown protocol"})
            return
        self._after(self._wiring.limits.init_seconds, Farewell.INIT_TIMEOUT, "Connection initialisation timeout")
        self._sender = asyncio.create_task(self.out.run())
        try:
            await self._listen()
        finally:
            self._tear_down()
            if self._closing is not None:
                await asyncio.wait([self._closing])

    async def _listen(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            if self._closing is not None:
                continue
            try:
                await self._heard(message)
            except _Bye as bye:
                self.end(bye.code, bye.reason)

    async def _heard(self, frame: Message) -> None:
        text = frame.get("text")
        if not isinstance(text, str):
            raise _Bye(Farewell.BAD_MESSAGE, "Binary frames are not part of the protocol")
        if len(text) > self._wiring.limits.frame_bytes:
            raise _Bye(Farewell.TOO_BIG, "The message is too big")
        try:
            message = read_json(text, self._wiring.limits)
        except BadRequest as error:
            raise _Bye(Farewell.BAD_MESSAGE, str(error)) from error
        kind = message.get("type") if isinstance(message, dict) else None
        handler = HANDLERS.get(kind) if isinstance(kind, str) else None
        if handler is None:
            raise _Bye(Farewell.BAD_MESSAGE, "Not a message of the protocol")
        if (answer := handler(self, message)) is not None:
            await answer

    async def _on_init(self, message: dict[str, Any]) -> None:
        payload = _payload(message)
        if self._initialised:
            raise _Bye(Farewell.SECOND_INIT, "Too many initialisation requests")
        self._initialised = True
        self._clear_timers()
        self.credentials = {**self._headers, **{k.lower(): v for k, v in payload.items() if isinstance(v, str)}}
        try:
            self.sign_in = await self._wiring.authenticate(self.credentials)
        except DomainError as error:
            raise _Bye(Farewell.ACCESS_ENDED, "Forbidden") from error
        except Exception as error:
            log.exception("access.unchecked")
            raise _Bye(Farewell.TRY_LATER, "Try again later") from error
        if self._closing is not None:
            return
        self._wiring.connections.add(self)
        left = self._wiring.seconds_left(self.sign_in)
        if left is not None:
            self._after(left, Farewell.ACCESS_ENDED, "Token expired")
        self._acknowledged = True
        self.out.put('{"type":"connection_ack"}')

    def _on_ping(self, message: dict[str, Any]) -> None:
        pong: dict[str, Any] = {"type": "pong"}
        if payload := _payload(message):
            pong["payload"] = payload
        self.out.put(orjson.dumps(pong).decode())

    def _on_pong(self, message: dict[str, Any]) -> None:
        _payload(message)

    def _on_subscribe(self, message: dict[str, Any]) -> None:
        id_ = _id(message)
        try:
            request = read_request(message.get("payload"))
        except BadRequest as error:
            raise _Bye(Farewell.BAD_MESSAGE, str(error)) from error
        if not self._acknowledged:
            raise _Bye(Farewell.NOT_INITIALISED, "Unauthorized")
        if id_ in self._operations:
            raise _Bye(Farewell.DUPLICATE, f"Subscriber for {id_[:64]} already exists")
        operation = _Operation(self, id_)
        most = self._wiring.limits.operations_per_socket
        if len(self._operations) >= most:
            extensions = {"code": "LIMIT_EXCEEDED"}
            operation.fail([{"message": f"At most {most} operations per socket", "extensions": extensions}])
            return
        self._operations[id_] = operation
        runner = StreamedOperation(self._wiring, self.sign_in, self._connection, operation)
        operation.task = asyncio.create_task(operation.run(runner, request))

    def _on_complete(self, message: dict[str, Any]) -> None:
        operation = self._operations.pop(_id(message), None)
        if operation is not None:
            operation.cancel()

    def forget(self, operation: _Operation) -> None:
        """``operation`` is over; its id is free."""
        if self._operations.get(operation.key) is operation:
            del self._operations[operation.key]

    def end(self, code: Farewell, reason: str) -> None:
        """Close the socket; the peer is given a few seconds to hear why."""
        if self._closing is None:
            self._tear_down()
            self._closing = asyncio.create_task(self._say_goodbye(code, reason))

    def blocked_since(self) -> float | None:
        """See ``Connection``."""
        return self.out.blocked_since

    def _overflowed(self) -> None:
        self.end(Farewell.TRY_LATER, "Reading too slowly; resume by cursor")

    async def _say_goodbye(self, code: Farewell, reason: str) -> None:
        seconds = self._wiring.limits.farewell_seconds
        if cut := cutter(self._scope):
            cut(code, reason, seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._send({"type": "websocket.close", "code": int(code), "reason": reason})
        except (OSError, RuntimeError):  # gone already, or closed from the other side at this moment
            return

    async def _write(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    def _after(self, seconds: float, code: Farewell, reason: str) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, self.end, code, reason))

    def _clear_timers(self) -> None:
        while self._timers:
            self._timers.pop().cancel()

    def _tear_down(self) -> None:
        self._clear_timers()
        self._wiring.connections.remove(self)
        while self._operations:
            self._operations.popitem()[1].cancel()
        if self._sender is not None:
            self._sender.cancel()


def _payload(message: dict[str, Any]) -> dict[str, Any]:
    payload = message.get("payload")
    if not isinstance(payload, dict | None):
        raise _Bye(Farewell.BAD_MESSAGE, "`payload` must be an object")
    return payload or {}


def _id(message: dict[str, Any]) -> str:
    id_ = message.get("id")
    if not isinstance(id_, str) or not id_:
        raise _Bye(Farewell.BAD_MESSAGE, "`id` must be a non-empty string")
    return id_


HANDLERS: dict[str, Callable[[Socket, dict[str, Any]], Any]] = {
    "connection_init": Socket._on_init,  # noqa: SLF001 - the table of the class's own messages
    "ping": Socket._on_ping,  # noqa: SLF001
    "pong": Socket._on_pong,  # noqa: SLF001
    "subscribe": Socket._on_subscribe,  # noqa: SLF001
    "complete": Socket._on_complete,  # noqa: SLF001
}
