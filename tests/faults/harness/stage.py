"""The stage: a tree on a temporary folder, and proxies before and behind its processes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from asyncpg import PostgresError
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError

from cli.demo import describe
from cli.running import RunState, read_state, settings_for
from cli.token import token_for
from integrations.embedded import EmbeddedPostgres
from tests.factories.children import alive
from tests.factories.ports import free_port
from tests.factories.tree import UpTree
from tests.faults.harness.launch import DATABASE_SOCKET, PROCESSES, VALKEY_SOCKET, servers_of
from tests.faults.harness.proxy import Link

TOKEN_SECONDS = 600.0
COME_BACK_SECONDS = 180.0
LOOPBACK = "127.0.0.1"
ROOT = Path(__file__).parents[3]


@dataclass
class Stage:
    """The running tree and every link of it. databases, valkeys: by process. demo: what ``zhian demo info`` says."""

    tree: UpTree
    folder: Path
    http: Link
    mqtt: Link
    http_port: int
    mqtt_port: int
    databases: dict[str, Link] = field(default_factory=dict)
    valkeys: dict[str, Link] = field(default_factory=dict)
    demo: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    @property
    def links(self) -> list[Link]:
        """All of them."""
        return [self.http, self.mqtt, *self.databases.values(), *self.valkeys.values()]

    @property
    def superuser_url(self) -> str:
        """The database, straight, seeing every row."""
        return EmbeddedPostgres(self.tree.data_dir).url(superuser=True)

    async def token(self, phone: str) -> str:
        """An access token, kept while it lives. Raises ConnectionError while there is no database."""
        now = asyncio.get_running_loop().time()
        minted, token = self._tokens.get(phone, (-TOKEN_SECONDS, ""))
        if now - minted >= TOKEN_SECONDS:
            try:
                token = await token_for(settings_for(self.tree.data_dir, {}), phone)
            except (OSError, SQLAlchemyError, PostgresError) as error:
                raise ConnectionError("nobody can sign in just now") from error
            self._tokens[phone] = (now, token)
        return token

    async def signal(self, name: str, number: signal.Signals) -> None:
        """Send ``number`` to a child, with SIGKILL to all its own children too; waits for one that is just away."""
        async with asyncio.timeout(COME_BACK_SECONDS):
            while (child := (await self._state()).children.get(name)) is None:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(child.pid)
            family = [process, *process.children(recursive=True)] if number is signal.SIGKILL else [process]
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.send_signal(number)

    async def _state(self) -> RunState:
        while (state := read_state(self.tree.data_dir)) is None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        return state

    async def flush_valkey(self) -> None:
        """Forget everything Valkey holds; one that is just away has done so itself."""
        url = self.tree.state().environment["ZHIAN_REDIS_URL"]
        async with Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
            with suppress(Exception):
                await client.flushall()

    async def wait_steady(self) -> None:
        """Return when every child runs and is ready."""
        expected = {"postgres", "valkey", *PROCESSES}
        async with asyncio.timeout(COME_BACK_SECONDS):
            while not expected <= await self._ready():  # noqa: ASYNC110 - other processes
                await asyncio.sleep(0.05)

    async def _ready(self) -> set[str]:
        children = (await self._state()).children.items()
        return {name for name, child in children if child.ready and alive(child.pid)}  # a kill may be news to it yet

    def heal(self) -> None:
        """Let every link work again."""
        for link in self.links:
            link.heal()


@asynccontextmanager
async def staged(folder: Path, build: str) -> AsyncIterator[Stage]:
    """``zhian up --demo`` in ``folder``, ready, all its links through proxies; stopped politely at the end."""
    links = folder / "links"
    for name in PROCESSES:
        (links / name).mkdir(parents=True)
    program = ("tests.faults.harness.launch", str(links), build)
    async with AsyncExitStack() as stack:
        found = {"PYTHONPATH": str(ROOT)}  # other distributions install a package "tests" too
        tree = stack.enter_context(UpTree(folder / "data", "--demo", program=program, environ=found))
        http_port, mqtt_port = free_port(), free_port()
        stage = Stage(
            tree=tree,
            folder=folder,
            http=Link((LOOPBACK, http_port), (LOOPBACK, tree.port)),
            mqtt=Link((LOOPBACK, mqtt_port), (LOOPBACK, tree.mqtt_port)),
            http_port=http_port,
            mqtt_port=mqtt_port,
        )
        await _join(stage, links)
        for link in stage.links:
            await link.start()
            stack.push_async_callback(link.stop)
        await asyncio.to_thread(tree.wait_ready)
        stage.demo = await describe(settings_for(tree.data_dir, {}))
        yield stage
        stage.heal()
        assert await asyncio.to_thread(tree.stop) == 0


async def _join(stage: Stage, folder: Path) -> None:
    """Make the links behind the processes as soon as it is known where the servers are."""
    while (state := read_state(stage.tree.data_dir)) is None:
        assert stage.tree.process.poll() is None, stage.tree.output.read_text()
        await asyncio.sleep(0.02)
    database, valkey = servers_of(state.environment)
    for name in PROCESSES:
        stage.databases[name] = Link(folder / name / DATABASE_SOCKET, database)
        stage.valkeys[name] = Link(folder / name / VALKEY_SOCKET, valkey)
