"""Fixtures for tests of what goes on record."""

from tests.api.security.conftest import (
    api,
    clock,
    clocked,
    feeds,
    keys,
    news,
    plant,
    recorder,
    statements,
    tokens,
    vault,
    world,
)

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
