"""``zhian migrate``: bring the database to this version's schema."""

from __future__ import annotations

import asyncio

from rich.console import Console

from cli.running import DATA_DIR, DataDir, settings_for
from migrations.run import current, head, upgrade


def command(data_dir: DataDir = DATA_DIR) -> None:
    """Bring the database to this version's schema: ZHIAN_DATABASE_URL, or the server of a running `zhian up`."""
    url = str(settings_for(data_dir).database_url)
    before = asyncio.run(current(url))
    asyncio.run(upgrade(url))
    Console(stderr=True).print(f"schema: {before or 'empty'} -> {head()}")
