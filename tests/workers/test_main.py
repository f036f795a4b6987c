"""The worker process as it is started: works, outlives kill -9 of its fellow, ends with status 0 on SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.uow import Database
from domain.security.alerts.events import AlertRaised
from tests.factories.patience import PATIENCE
from tests.workers.kit import SYSTEM, seed_account, seed_alert, seed_estate, seed_grant


@pytest.fixture
def database(engine: AsyncEngine) -> Database:
    return Database(engine)


@asynccontextmanager
async def process(data_dir: Path, database_url: str, redis_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
    settings = {"DATA_DIR": str(data_dir), "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers.main",
        env=environment | {f"ZHIAN_{name}": value for name, value in settings.items()},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert started.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while b"worker.started" not in (line := await started.stderr.readline()):
                assert line, "the worker ended before it worked"
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def raise_alert(database: Database, superuser: asyncpg.Connection) -> None:
    alert_id = await seed_alert(superuser, audience='["police"]', home_id=None)
    await superuser.execute("update alert set cleared_at = now()")
    async with database.unit_of_work(SYSTEM) as uow:
        uow.emit(AlertRaised(alert_id=alert_id, change="raised", compound_id=4), compound_id=4)


async def delivered(superuser: asyncpg.Connection, count: int) -> None:
    """Wait until ``count`` notifications are delivered and nothing is in a worker's hands any more."""
    async with asyncio.timeout(PATIENCE):
        while await superuser.fetchval(
            "select count(*) from notification where delivered_at is not null"
        ) < count or await superuser.fetchval("select count(*) from outbox_event where state = 'pending'"):
            await superuser.execute("select pg_sleep(0.05)")


async def test_the_process_delivers_survives_its_fellow_and_ends_cleanly(
    database: Database, superuser: asyncpg.Connection, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    await seed_estate(superuser)
    await seed_account(superuser, 301)
    await seed_grant(superuser, 301, "community_police", 3)

    async with process(tmp_path, database_url, redis_url) as one, process(tmp_path, database_url, redis_url) as other:
        await raise_alert(database, superuser)
        await delivered(superuser, 1)
        one.kill()
        await one.wait()
        await raise_alert(database, superuser)
        await delivered(superuser, 2)
        other.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(other.wait(), PATIENCE) == 0

    assert await superuser.fetchval("select count(*) from sent_message where channel = 'push'") == 2
    assert await superuser.fetchval("select count(*) from outbox_event where state <> 'done'") == 0
