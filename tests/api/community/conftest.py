"""Fixtures for tests of the community's slices."""

from tests.factories.fixtures import api, clock, clocked, feeds, keys, news, tokens, vault, world
from tests.factories.ingest import ingest
from tests.factories.plant_fixtures import statements

__all__ = ["api", "clock", "clocked", "feeds", "ingest", "keys", "news", "statements", "tokens", "vault", "world"]
