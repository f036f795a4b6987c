"""Fixtures of a small world with keys, for tests of services and of the API. Import them in a ``conftest``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.feeds import log_sources
from api.live import FeedHub
from domain.kernel.uow import Database, News
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens
from integrations.identity.vault import EnvelopeVault, open_vault
from tests.factories.api import Api, Services
from tests.factories.clock import Clock
from tests.factories.furnished import Furnished
from tests.factories.world import World


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def vault(tmp_path: Path, engine: AsyncEngine, furnished: Furnished | None) -> EnvelopeVault:
    if furnished is not None:
        furnished.unlock(tmp_path / "keys")
    return await open_vault(tmp_path / "keys", engine)


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    return SigningKeys(tmp_path / "keys")


@pytest.fixture
def tokens(keys: SigningKeys) -> AccessTokens:
    return AccessTokens(keys, issuer="https://zhian.test")


@pytest.fixture
def news() -> list[News]:
    """What commits said."""
    return []


@pytest.fixture
def clocked(engine: AsyncEngine, clock: Clock, news: list[News]) -> Database:
    """A database whose units of work take the time from ``clock`` and leave their news in ``news``."""

    async def wake(said: News) -> None:
        news.append(said)

    return Database(engine, wake=wake, clock=clock)


@pytest.fixture
def world(four_compounds: Furnished, clocked: Database, vault: EnvelopeVault) -> World:
    """Four compounds: a111 and a112 in one community, a211 in another town, b111 in another county."""
    return four_compounds.world(clocked, vault)


@pytest.fixture
async def feeds(engine: AsyncEngine) -> AsyncIterator[FeedHub]:
    hub = FeedHub(log_sources(engine), poll_seconds=0.05)
    yield hub
    await hub.close()


@pytest.fixture
def api(clocked: Database, vault: EnvelopeVault, tokens: AccessTokens, feeds: FeedHub, world: World) -> Api:
    return Api(Services(clocked, vault, tokens, feeds), world)
