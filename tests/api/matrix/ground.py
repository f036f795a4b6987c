"""The seeded database on which the matrix stands."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from domain.kernel.uow import Database
from domain.security.devices.directory import DeviceDirectory
from domain.security.events.recorder import Recorder
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens
from integrations.identity.vault import open_vault
from integrations.postgres import create_engine
from tests.api.matrix.rows import Seeded
from tests.api.matrix.seed import Seeder
from tests.factories.clock import Clock
from tests.factories.plant import Plant
from tests.factories.world import World


@dataclass(frozen=True)
class Ground:
    """A seeded database and the keys to it."""

    url: str
    superuser_url: str
    keys: Path
    seeded: Seeded


async def sow(url: str, superuser_url: str, keys: Path) -> Seeded:
    """Seed the database at ``url``."""
    clock = Clock()
    async with AsyncExitStack() as stack:
        engine = create_engine(url)
        stack.push_async_callback(engine.dispose)
        connection = await asyncpg.connect(superuser_url)
        stack.push_async_callback(connection.close)
        database = Database(engine, clock=clock)
        world = World(database, await open_vault(keys, engine))
        recorder = Recorder(engine, DeviceDirectory(engine), world.vault, clock=clock)
        await recorder.start()
        stack.push_async_callback(recorder.stop)
        tokens = AccessTokens(SigningKeys(keys), issuer="https://zhian.test")
        return await Seeder(world, Plant(world, database, recorder, clock), connection, tokens).seed()
