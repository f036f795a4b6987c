"""Two servers for the cases of the WebSocket protocol, the toy and the API process itself, and the words of each."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cli.token import token_for
from domain.kernel.actor import Role
from domain.kernel.uow import Database
from integrations.identity.vault import open_vault
from integrations.postgres import create_engine
from integrations.settings import Settings
from tests.api.execution.serving import Client
from tests.api.execution.toy import Toy
from tests.factories.ingest import settings_for
from tests.factories.patience import PATIENCE
from tests.factories.ports import free_port
from tests.factories.processes import answers
from tests.factories.world import World


@dataclass(frozen=True)
class Wire:
    """hello: a query and its data. named: one with the variable ``n``, ``n``, and its data. silence: a live feed.

    running: how many feeds the server has open.
    """

    host: str
    hello: str
    said: dict[str, Any]
    named: tuple[str, Any, dict[str, Any]]
    silence: str
    running: Callable[[], Awaitable[int]]
    credentials: dict[str, str] = field(default_factory=dict)

    async def initialise(self, peer: Client) -> None:
        """Be acknowledged as somebody who may ask all this."""
        await peer.initialise(**self.credentials)

    async def until_running(self, count: int) -> None:
        """Wait until ``count`` feeds are open."""
        async with asyncio.timeout(PATIENCE):
            while await self.running() != count:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)


def toy_wire(toy: Toy, host: str) -> Wire:
    """The toy's words."""

    async def running() -> int:
        return toy.running

    named = ("query($n:String!){hello(name:$n)}", "gate", {"hello": "hello gate"})
    return Wire(host, "{hello}", {"hello": "hello world"}, named, "subscription{silence}", running)


@contextmanager
def real_wire(database_url: str, folder: Path) -> Iterator[Wire]:
    """``python -m api.main`` in the production profile, and somebody of a compound's staff."""
    port = free_port()
    settings = settings_for(database_url, folder, ZHIAN_PROFILE="production", ZHIAN_PORT=str(port))
    phone, token = asyncio.run(_somebody(settings))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
    environ |= {"ZHIAN_DATABASE_URL": database_url, "ZHIAN_DATA_DIR": str(folder), "ZHIAN_PORT": str(port)}
    environ["ZHIAN_SECOND_FACTOR"] = "optional"
    with (folder / "api.log").open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "api.main"], env=environ, stdout=output, stderr=output)
    try:
        asyncio.run(answers(port))

        async def running() -> int:
            async with httpx.AsyncClient(timeout=PATIENCE) as http:
                metrics = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
            found = re.search(r"^zhian_alerts_subscribers (\d+)", metrics, re.MULTILINE)
            assert found
            return int(found[1])

        yield Wire(
            host=f"127.0.0.1:{port}",
            hello="{viewer{account{phone}}}",
            said={"viewer": {"account": {"phone": phone}}},
            named=(
                "query($n:Int!){areas(level:COMPOUND,first:$n){edges{node{name}}}}",
                1,
                {"areas": {"edges": [{"node": {"name": "a111"}}]}},
            ),
            silence="subscription{alertFeed{cursor}}",
            running=running,
            credentials={"authorization": f"Bearer {token}"},
        )
    finally:
        process.terminate()
        process.wait(PATIENCE)


async def _somebody(settings: Settings) -> tuple[str, str]:
    """Phone and token of a person with a role in a small world."""
    engine = create_engine(str(settings.database_url), pool_size=2)
    try:
        world = await World(Database(engine), await open_vault(settings.key_dir, engine)).build("a111", "a112")
        person = await world.with_role(Role.PROPERTY_STAFF, "a111")
    finally:
        await engine.dispose()
    return person.phone, await token_for(settings, person.phone)
