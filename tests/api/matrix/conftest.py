"""The matrix's world, seeded once per worker, and a stage on it for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from tests.api.matrix.ground import Ground, sow
from tests.api.matrix.rows import CANARY
from tests.api.matrix.stage import Stage, open_stage
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
async def stage(ground: Ground) -> AsyncIterator[Stage]:
    """The world as the API has it. No canary may stand in a log."""
    with capture_logs() as logs:
        async with open_stage(ground) as opened:
            yield opened
    assert not CANARY.search(str(logs))
