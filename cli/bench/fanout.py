"""Fan-out of one alert to many sockets of one API process, against a bare Starlette broadcast of the same bytes."""

from __future__ import annotations

import asyncio
import resource
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from cli.bench.crowd import Crowd, seconds_to_last, text_frame

PROTOCOL = "graphql-transport-ws"
GOAL = 2.0


@dataclass(frozen=True, slots=True)
class FanOut:
    """Medians in seconds from the trigger to the last of ``sockets``, and the bytes of one frame's payload."""

    sockets: int
    rounds: int
    frame_bytes: int
    served: float
    bare: float

    @property
    def ratio(self) -> float:
        """How much longer the service takes than the bare broadcast."""
        return self.served / self.bare


@dataclass(frozen=True, slots=True)
class Subscription:
    """What every socket subscribes to, and how to make one item appear."""

    port: int
    query: str
    variables: dict[str, Any]
    authorization: str | None
    trigger: Callable[[], Awaitable[None]]
    path: str = "/graphql"
    host: str = "127.0.0.1"


async def measure(subscription: Subscription, *, bare_port: int, sockets: int = 2_000, rounds: int = 20) -> FanOut:
    """Open ``sockets`` subscribers and as many bare sockets, and time ``rounds`` items in each, in turn.

    ``bare_port`` is where ``bare_app`` is served by a process of its own, with the same uvicorn settings.
    """
    allow_files(4 * sockets)
    served, bare = await subscribed(subscription, sockets), await _bare(bare_port, sockets)
    url = f"http://127.0.0.1:{bare_port}/say"
    times: tuple[list[float], list[float]] = ([], [])
    try:
        async with httpx.AsyncClient() as http:
            await seconds_to_last(served, subscription.trigger, 2)  # warm up, and learn the bytes
            frame = served.sockets[0].last

            async def say() -> None:
                (await http.post(url, content=frame)).raise_for_status()

            await seconds_to_last(bare, say, 2)
            for _ in range(rounds):
                times[0].extend(await seconds_to_last(served, subscription.trigger, 1))
                times[1].extend(await seconds_to_last(bare, say, 1))
    finally:
        served.close()
        bare.close()
    return FanOut(sockets, rounds, len(frame), statistics.median(times[0]), statistics.median(times[1]))


def allow_files(count: int) -> None:
    """Let this process hold ``count`` files open; raises ValueError when the system allows fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


async def subscribed(subscription: Subscription, count: int, *, receive_buffer: int | None = None) -> Crowd:
    """``count`` sockets whose subscriptions have been taken. receive_buffer: see ``Crowd``."""
    crowd = Crowd(subscription.host, subscription.port, subscription.path, PROTOCOL, receive_buffer=receive_buffer)
    credentials = {"authorization": subscription.authorization} if subscription.authorization else {}
    acknowledged = crowd.expect(count)
    await crowd.open(count, [text_frame({"type": "connection_init", "payload": credentials})])
    await acknowledged
    payload = {"query": subscription.query, "variables": subscription.variables}
    pongs = crowd.expect(count)
    for socket in crowd.sockets:  # a pong behind the subscription says that it has been taken
        socket.transport.write(text_frame({"id": "1", "type": "subscribe", "payload": payload}))
        socket.transport.write(text_frame({"type": "ping"}))
    await pongs
    await asyncio.sleep(1.0)  # the feeds join their tail
    return crowd


async def _bare(port: int, count: int) -> Crowd:
    crowd = Crowd("127.0.0.1", port, "/bare", None)
    await crowd.open(count, [])
    return crowd


def bare_app() -> Starlette:
    """The application held against: what is posted to /say goes to every socket of /bare."""
    sockets: dict[WebSocket, None] = {}

    async def bare(socket: WebSocket) -> None:
        await socket.accept()
        sockets[socket] = None
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            sockets.pop(socket, None)

    async def say(request: Request) -> Response:
        text = (await request.body()).decode()
        for socket in list(sockets):
            await socket.send_text(text)
        return Response()

    return Starlette(routes=[WebSocketRoute("/bare", bare), Route("/say", say, methods=["POST"])])
