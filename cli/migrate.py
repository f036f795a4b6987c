"""``zhian migrate``: bring the database to this version's schema."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from cli.running import DATA_DIR, DataDir, settings_for
from migrations.run import current, head, upgrade

Restored = Annotated[
    bool, typer.Option("--restored", help="The database was put back from a backup: live feeds begin anew.")
]


def command(restored: Restored = False, data_dir: DataDir = DATA_DIR) -> None:
    """Bring the database to this version's schema: ZHIAN_DATABASE_URL, or the server of a running `zhian up`."""
    url = str(settings_for(data_dir).database_url)
    before = asyncio.run(current(url))
    begun = asyncio.run(upgrade(url, restored=restored))
    console = Console(stderr=True)
    console.print(f"schema: {before or 'empty'} -> {head()}")
    if begun:
        console.print("restored: cursors of live feeds from before are refused, clients load anew")
