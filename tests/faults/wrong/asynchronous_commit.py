"""PostgreSQL says "committed" before it has written, and the start-up check that refuses such a server is gone."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine

import integrations.bootstrap
import integrations.embedded.postgres

FORGETFUL = {
    "synchronous_commit": "off",
    "wal_writer_delay": "10s",
    "wal_writer_flush_after": "1GB",
}


def before_the_tree() -> None:
    """Start the server so that commits wait in its memory for up to ten seconds."""
    settings = dict(integrations.embedded.postgres.SETTINGS) | FORGETFUL
    integrations.embedded.postgres.SETTINGS = settings


def in_process() -> None:
    """Take any server."""

    async def take_it(_: AsyncEngine) -> None:
        return

    integrations.bootstrap.refuse_unsafe = take_it
