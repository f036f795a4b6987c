"""A real uvicorn server in the test's own event loop, and a raw client of the WebSocket protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.execution.endpoint import GraphQLEndpoint
from api.execution.server import uvicorn_settings
from tests.factories.patience import PATIENCE

PROTOCOL = "graphql-transport-ws"


class QuietServer(uvicorn.Server):
    """Leaves the test process's signals alone, and stops when told instead of at its next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.stop.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Address(str):
    """``host:port``, and the server there."""

    __slots__ = ("server",)
    server: QuietServer

    def connections(self) -> int:
        """How many are open at the server's end."""
        return len(self.server.server_state.connections)


@asynccontextmanager
async def serving(endpoint: Any, *, frame_bytes: int = 65_536, **settings: Any) -> AsyncIterator[Address]:
    """Where ``endpoint`` is served, at /graphql."""
    app = Starlette(routes=[Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)])
    defaults = {**uvicorn_settings(frame_bytes), "log_level": "warning", "lifespan": "off"}
    server = QuietServer(uvicorn.Config(app, host="127.0.0.1", port=0, **{**defaults, **settings}))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.001)
        if task.done():
            task.result()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        address = Address(f"127.0.0.1:{port}")
        address.server = server
        yield address
    finally:
        server.should_exit = server.force_exit = True
        server.stop.set()
        await task


class Client:
    """Speaks the protocol by hand."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, message: Any) -> None:
        await self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self, seconds: float = PATIENCE) -> Any:
        async with asyncio.timeout(seconds):
            return json.loads(await self.socket.recv())

    async def initialise(self, **payload: Any) -> None:
        await self.send({"type": "connection_init", **({"payload": payload} if payload else {})})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, query: str, id_: str = "1", **variables: Any) -> None:
        await self.send({"id": id_, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    async def collect(self, id_: str = "1") -> list[Any]:
        """Every message of one operation, to its end."""
        found = []
        while True:
            message = await self.receive()
            assert message["id"] == id_
            found.append(message)
            if message["type"] in ("complete", "error"):
                return found

    async def closed(self, seconds: float = PATIENCE) -> tuple[int, str]:
        """Read until the server closes; its code and reason."""
        async with asyncio.timeout(seconds):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed as error:
                close = error.rcvd
        assert close is not None, "cut without a close frame"
        return close.code, close.reason


async def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Let the loop run until ``true()``."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.001)


@asynccontextmanager
async def client(host: str, protocols: tuple[str, ...] = (PROTOCOL,), **options: Any) -> AsyncIterator[Client]:
    async with connect(f"ws://{host}/graphql", subprotocols=list(protocols) or None, **options) as socket:
        yield Client(socket)


def endpoint_of(toy: Any, schema: Any, **options: Any) -> GraphQLEndpoint:
    return GraphQLEndpoint(schema, authenticate=toy.gate.authenticate, make_context=toy.make_context, **options)
