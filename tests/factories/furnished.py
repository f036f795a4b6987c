"""Databases with a small world in them, made once per worker and cloned per test: most tests begin in the same one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from domain.identity.ports import Vault
from domain.kernel.uow import Database
from integrations.identity.vault import open_vault
from integrations.postgres import create_engine
from tests.factories.database import Databases
from tests.factories.world import World


@dataclass(frozen=True)
class Furnished:
    """template: the database's name. keys: the folder of the keys that its vault was opened with."""

    template: str
    keys: Path
    built: World

    def unlock(self, folder: Path) -> None:
        """Put the keys into ``folder``."""
        shutil.copytree(self.keys, folder, dirs_exist_ok=True)

    def world(self, database: Database, vault: Vault) -> World:
        """The world in a clone of this database."""
        built = self.built
        return World(database, vault, dict(built.areas), dict(built.buildings), dict(built.homes))


@contextmanager
def furnish(databases: Databases, keys: Path, *compounds: str) -> Iterator[Furnished]:
    """A database with ``compounds`` and all above them; dropped at the end."""
    with databases.new() as url:
        built = asyncio.run(_build(url, keys, compounds))
        yield Furnished(urlsplit(url).path.strip("/"), keys, built)


async def _build(url: str, keys: Path, compounds: tuple[str, ...]) -> World:
    engine = create_engine(url, pool_size=2)
    try:
        return await World(Database(engine), await open_vault(keys, engine)).build(*compounds)
    finally:
        await engine.dispose()
