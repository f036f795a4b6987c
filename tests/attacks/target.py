"""The real application as an attacker meets it: one API process's worth, over sockets, its work measured in CPU."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack
from itertools import count
from typing import Any, TypeVar

import httpx

from api.app import create_app
from api.main import server_config
from domain.identity.sessions.service import SignedIn
from integrations.bootstrap import Services, bootstrap
from integrations.settings import Settings
from tests.api.execution.serving import QuietServer
from tests.factories.cpu import allowed, least
from tests.factories.world import Person, World

T = TypeVar("T")
MOST_SECONDS = 0.05


class Target:
    """``create_app`` over ``bootstrap``, served by uvicorn as ``api.main`` serves it, in a thread of its own.

    ``affords``: by what the thread has worked; what the attacker's own side costs is not in it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.services: Services
        self.world: World
        self.host = ""
        self._loop = asyncio.new_event_loop()
        self._ready: Future[None] = Future()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="target")

    def __enter__(self) -> Target:
        self._thread.start()
        self._ready.result(60)
        self._clock = time.pthread_getcpuclockid(self._thread.ident or 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    @property
    def url(self) -> str:
        """``http://…`` of the server."""
        return f"http://{self.host}"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, done on the application's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def token(self, person: Person) -> str:
        """An access token of the person."""

        async def issue() -> str:
            session: SignedIn = await self.world.session(person)
            token, _ = self.services.tokens.issue(
                account_id=session.account_id,
                session_id=session.session_id,
                token_version=session.token_version,
                now=self.services.database.clock(),
            )
            return token

        return self.run(issue())

    def ask(self, query: str, *, token: str | None = None, **variables: Any) -> tuple[int, bytes]:
        """Status and body of an operation, asked of the application without a socket between."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}

        async def post() -> tuple[int, bytes]:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://zhian.test") as client:
                answer = await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
                return answer.status_code, answer.content

        return self.run(post())

    def affords(self, attack: Callable[[int], object], seconds: float = MOST_SECONDS) -> bool:
        """Whether the application needs no more than ``seconds`` of CPU for one ``attack``; each is told its number."""
        numbers, most = count(), allowed(seconds)

        def work() -> None:
            attack(next(numbers))
            self._settle()

        self._settle()
        return least(work, most, lambda: time.clock_gettime(self._clock)) < most

    def _settle(self) -> None:
        """Return when the loop has done what lay ready."""
        for _ in range(3):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(60)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            async with AsyncExitStack() as stack:
                self.services = await stack.enter_async_context(bootstrap(self.settings))
                self.world = await World(self.services.database, self.services.vault).build("a111", "a112", "b111")
                self._app = create_app(self.services)
                config = server_config(self._app, self.settings)
                server = QuietServer(config)
                serving = asyncio.create_task(server.serve())
                while not server.started:
                    await asyncio.sleep(0.001)
                    if serving.done():
                        serving.result()
                port = server.servers[0].sockets[0].getsockname()[1]
                self.host = f"127.0.0.1:{port}"
                self._ready.set_result(None)
                await self._stop.wait()
                server.should_exit = server.force_exit = True
                server.stop.set()
                await serving
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise
