"""Fixtures for tests of the demo: one database per file, settings for it, and the same with the county in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from cli import demo
from integrations.settings import Settings, read_settings
from tests.factories.database import Databases


@pytest.fixture(scope="module")
def database_url(databases: Databases) -> Iterator[str]:
    with databases.new() as url:
        yield url


@pytest.fixture(scope="module")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return read_settings(
        {
            "ZHIAN_DATA_DIR": str(tmp_path_factory.mktemp("demo")),
            "ZHIAN_DATABASE_URL": database_url,
            "ZHIAN_PUBLIC_URL": "http://127.0.0.1:8123",
            "ZHIAN_PROFILE": "developer",
        }
    )


@pytest.fixture(scope="module")
def seeded(settings: Settings) -> Settings:
    asyncio.run(demo.seed(settings))
    return settings
