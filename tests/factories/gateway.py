"""A site's gateway, over real HTTP: believes only what the reference library of Standard Webhooks verifies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.api.execution.serving import QuietServer


@dataclass
class SiteGateway:
    """What it took, by id, and in what mood it is: "well", or how it fails.

    ``asked``: Host headers of all requests. ``hold``: requests wait for it when the mood is "slow".
    """

    secret: str
    mood: str = "well"
    taken: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refused: int = 0
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    host: str = ""

    async def receive(self, request: Request) -> Response:
        """Take a message once per id."""
        self.asked.append(request.headers["host"])
        body = await request.body()
        try:
            said = Webhook(self.secret).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.refused += 1
            return Response(status_code=401)
        if self.mood == "refusing":
            return Response(status_code=503)
        id_ = request.headers["webhook-id"]
        self.taken.setdefault(id_, said)
        if self.mood == "slow":
            await self.hold.wait()
        return self._answer(id_)

    def _answer(self, id_: str) -> Response:
        if self.mood == "moved":
            return Response(status_code=307, headers={"location": f"http://{self.host}/elsewhere"})
        if self.mood == "large":
            return StreamingResponse(iter([b" " * 65_536] * 100))
        if self.mood == "squeezed":
            return Response(b"x" * 100, headers={"content-encoding": "gzip"})
        if self.mood == "odd":
            return Response(b'{"receipt":["\xff"]}')
        return JSONResponse({"receipt": f"r-{id_}"})

    async def in_mood(self, _: Request) -> Response:
        """Answer as the mood is, whoever asks."""
        return self._answer("mood")

    async def elsewhere(self, _: Request) -> Response:
        """Where a redirect leads; nobody may come here."""
        self.taken["elsewhere"] = True
        return Response()


@asynccontextmanager
async def gateway_running(gateway: SiteGateway, **settings: Any) -> AsyncIterator[SiteGateway]:
    """Serve ``gateway`` on loopback; its address is in ``host``."""
    app = Starlette(
        routes=[
            Route("/messages", gateway.receive, methods=["POST"]),
            Route("/mood", gateway.in_mood, methods=["POST"]),
            Route("/elsewhere", gateway.elsewhere, methods=["GET", "POST"]),
        ]
    )
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off", **settings)
    server = QuietServer(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.001)
        if task.done():
            task.result()
    gateway.host = f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield gateway
    finally:
        gateway.hold.set()
        server.should_exit = server.force_exit = True
        server.stop.set()
        await task
