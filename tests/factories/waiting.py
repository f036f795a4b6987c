"""Waiting for another transaction to wait: races that come out the same way every time."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

WAITING = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"


async def until_blocked(superuser: asyncpg.Connection, task: asyncio.Task[Any]) -> None:
    """Come back when ``task`` waits for a lock that somebody else holds. It must: ended, it fails the test."""
    while not await superuser.fetchval(WAITING):
        assert not task.done(), task
        await asyncio.sleep(0)
