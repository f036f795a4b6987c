"""The whole application over the seeded world, asked over HTTP as everybody, with an ear at Valkey."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
from redis.asyncio import Redis
from starlette.applications import Starlette

from api.app import create_app
from api.nodes import global_id
from integrations.bootstrap import Services, bootstrap
from tests.api.matrix.cast import Standing, Who
from tests.api.matrix.ground import Ground
from tests.api.matrix.rows import Row, Seeded
from tests.api.matrix.stage import wrongly_shown
from tests.factories.ingest import settings_for
from tests.factories.patience import PATIENCE

ISSUER = "https://zhian.test"


@dataclass
class Outside:
    """The application and a client of it.

    odd: everything that should not have been so. secrets: of devices that were put in service meanwhile.
    """

    ground: Ground
    services: Services
    app: Starlette
    client: httpx.AsyncClient
    stored: asyncpg.Connection
    odd: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    _nothing: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def seeded(self) -> Seeded:
        """The world."""
        return self.ground.seeded

    def bearer(self, who: Who) -> dict[str, str]:
        """The headers with which ``who`` asks."""
        if who.standing is Standing.ANONYMOUS:
            return {}
        return {"Authorization": f"Bearer {self.seeded.tokens[who.name]}"}

    @staticmethod
    def id_of(row: Row) -> str:
        """The row's global id."""
        return global_id(row.shown_as or "", row.key)

    async def get(self, who: Who, path: str) -> httpx.Response:
        """The answer; canaries that ``who`` may not be shown are noted."""
        answer = await self.client.get(path, headers=self.bearer(who))
        self.odd += [f"GET {path}: {leak}" for leak in wrongly_shown(self.seeded, who, told(answer))]
        return answer

    async def told_of_nothing(self, who: Who, path: str) -> str:
        """What ``who`` is told of what never was, asked once."""
        if (who.name, path) not in self._nothing:
            self._nothing[who.name, path] = told(await self.get(who, path))
        return self._nothing[who.name, path]

    async def ask(self, who: Who, query: str, **variables: Any) -> dict[str, Any]:
        """The body of an operation's answer, scanned likewise."""
        payload = {"query": query, "variables": variables}
        answer = await self.client.post("/graphql", json=payload, headers=self.bearer(who))
        self.odd += wrongly_shown(self.seeded, who, told(answer))
        return dict(answer.json())


def told(answer: httpx.Response) -> str:
    """All of an answer but the name of its request."""
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return f"{answer.status_code} {json.dumps(headers, sort_keys=True)} {answer.text}"


@asynccontextmanager
async def outside(ground: Ground, redis_url: str) -> AsyncIterator[Outside]:
    """The application as one API process has it, at the instant of the seeded world."""
    settings = settings_for(
        ground.url, ground.keys.parent, ZHIAN_REDIS_URL=redis_url, ZHIAN_PUBLIC_URL=ISSUER, ZHIAN_RATE_FACTOR="20"
    )
    async with AsyncExitStack() as stack:
        stored = await asyncpg.connect(ground.superuser_url)
        stack.push_async_callback(stored.close)
        await stored.execute("delete from log_epoch where server like 'canary-%'")  # else it is another server's copy
        services = await stack.enter_async_context(bootstrap(settings))
        services.database.clock = services.notices.clock = lambda: ground.seeded.now
        app = create_app(services)
        await stack.enter_async_context(app.router.lifespan_context(app))
        asked = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER)
        yield Outside(ground, services, app, await stack.enter_async_context(asked), stored)


@dataclass
class Ear:
    """Hears every command that anybody sends to one database of Valkey."""

    redis: Redis
    database: str
    said: list[str] = field(default_factory=list)

    async def until(self, word: str) -> None:
        """Return when a command with ``word`` in it was heard."""
        async with asyncio.timeout(PATIENCE):
            while not any(word in command for command in self.said):  # noqa: ASYNC110 - what is heard has no event
                await asyncio.sleep(0.01)

    async def kept(self) -> list[str]:
        """Names and contents of all keys."""
        return [f"{key!r} {await self.redis.dump(key)!r}" async for key in self.redis.scan_iter("*")]


@asynccontextmanager
async def listening(redis_url: str) -> AsyncIterator[Ear]:
    """An ear at the Valkey of ``redis_url``."""
    async with Redis.from_url(redis_url) as redis, redis.monitor() as monitor:
        ear = Ear(redis, str(redis.connection_pool.connection_kwargs["db"]))

        async def listen() -> None:
            async for command in monitor.listen():
                if str(command["db"]) == ear.database:
                    ear.said.append(str(command["command"]))

        task = asyncio.create_task(listen())
        try:
            yield ear
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
