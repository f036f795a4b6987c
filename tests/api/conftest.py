"""Fixtures for tests of the API."""

from tests.factories.fixtures import api, clock, clocked, feeds, keys, news, tokens, vault, world
from tests.factories.plant_fixtures import plant, recorder, statements

__all__ = [
    "api",
    "clock",
    "clocked",
    "feeds",
    "keys",
    "news",
    "plant",
    "recorder",
    "statements",
    "tokens",
    "vault",
    "world",
]
