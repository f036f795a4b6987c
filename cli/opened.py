"""What commands that only look or seed need of the services: the database and the vault, nothing that runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.kernel.uow import Database, News
from integrations.identity.vault import EnvelopeVault, open_vault
from integrations.postgres import create_engine
from integrations.settings import Settings
from integrations.valkey import announce


@dataclass(frozen=True, slots=True)
class Opened:
    """The database as the application's role, and the keys of its sealed fields."""

    settings: Settings
    database: Database
    vault: EnvelopeVault


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Opened]:
    """Open both; the vault's key file is made if there is none. Running processes are told what was changed."""
    redis_url = None if settings.redis_url is None else str(settings.redis_url)

    async def wake(news: News) -> None:
        await announce(redis_url, news)

    engine = create_engine(str(settings.database_url), pool_size=2, application="zhian-cli")
    try:
        yield Opened(settings, Database(engine, wake=wake), await open_vault(settings.key_dir, engine))
    finally:
        await engine.dispose()
