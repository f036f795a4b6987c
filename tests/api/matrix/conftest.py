"""The matrix's world, seeded once per worker, and a stage on it for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tests.api.matrix.ground import Ground, sow
from tests.api.matrix.stage import Stage, open_stage, without_canaries_in_logs
from tests.factories.database import Databases, at
from tests.factories.servers import Servers


@pytest.fixture(scope="session")
def ground(databases: Databases, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Seeded once; whoever writes in it takes that back."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    with databases.new() as url:
        superuser_url = at(servers.superuser_url, urlsplit(url).path.strip("/"))
        yield Ground(url, superuser_url, keys, asyncio.run(sow(url, superuser_url, keys)))


@pytest.fixture
async def stage(ground: Ground, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Stage]:
    """The world as the API has it."""
    with without_canaries_in_logs(caplog):
        async with open_stage(ground) as opened:
            yield opened


@pytest.fixture
def copy(ground: Ground, databases: Databases, servers: Servers) -> Iterator[Ground]:
    """The same world in a database of the test's own, to write in."""
    with databases.new(urlsplit(ground.url).path.strip("/")) as url:
        yield replace(ground, url=url, superuser_url=at(servers.superuser_url, urlsplit(url).path.strip("/")))
