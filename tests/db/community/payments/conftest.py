"""Fixtures for tests of payments."""

import asyncpg
import pytest

from domain.kernel.uow import Database
from tests.factories.fixtures import api, clock, clocked, feeds, keys, news, tokens, vault, world
from tests.factories.till import Till
from tests.factories.world import World

__all__ = ["api", "clock", "clocked", "feeds", "keys", "news", "till", "tokens", "vault", "world"]


@pytest.fixture
def till(world: World, clocked: Database, superuser: asyncpg.Connection) -> Till:
    return Till(world, clocked, superuser)
