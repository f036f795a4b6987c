"""Fixtures for tests of the demo: an empty database, settings for it, and the same with the county in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import demo
from integrations.settings import Settings, read_settings


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return read_settings(
        {
            "ZHIAN_DATA_DIR": str(tmp_path),
            "ZHIAN_DATABASE_URL": database_url,
            "ZHIAN_PUBLIC_URL": "http://127.0.0.1:8123",
            "ZHIAN_PROFILE": "developer",
        }
    )


@pytest.fixture
async def seeded(settings: Settings) -> Settings:
    await demo.seed(settings)
    return settings
