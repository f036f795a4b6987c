"""Fixtures for tests of payments."""

from tests.factories.fixtures import api, clock, clocked, feeds, keys, news, tokens, vault, world

__all__ = ["api", "clock", "clocked", "feeds", "keys", "news", "tokens", "vault", "world"]
