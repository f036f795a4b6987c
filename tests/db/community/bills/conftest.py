"""Fixtures for tests of bills."""

import pytest

from domain.kernel.uow import Database
from tests.db.community.bills.books import Books
from tests.factories.fixtures import api, clock, clocked, feeds, keys, news, tokens, vault, world
from tests.factories.world import World

__all__ = ["api", "clock", "clocked", "feeds", "keys", "news", "tokens", "vault", "world"]


@pytest.fixture
def books(clocked: Database, world: World) -> Books:
    """The office's books of the world."""
    return Books(clocked, world)
