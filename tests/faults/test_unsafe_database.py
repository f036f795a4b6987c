"""No process starts on a database that may forget what it acknowledged."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import asyncpg
import pytest

from integrations.embedded import EmbeddedPostgres
from integrations.postgres import UnsafeDatabase, create_engine, refuse_unsafe

pytestmark = pytest.mark.fault
SMALL = {"shared_buffers": "16MB"}


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_with_a_safety_off_is_refused(open_folder: Path, setting: str) -> None:
    server = EmbeddedPostgres(open_folder, settings=SMALL | {setting: "off"})
    server.start()
    engine = create_engine(server.url(), role=None, pool_size=1)
    try:
        with pytest.raises(UnsafeDatabase, match=f"UNSAFE_DATABASE: {setting} is off"):
            await refuse_unsafe(engine)
    finally:
        await engine.dispose()
        server.stop()


async def _set(superuser: asyncpg.Connection, value: str) -> None:
    name = await superuser.fetchval("select current_database()")
    await superuser.execute(f"alter database {name} set synchronous_commit = {value}")


@pytest.mark.parametrize("value", ["on", "remote_apply", "remote_write"])
async def test_a_safe_server_is_taken(database_url: str, superuser: asyncpg.Connection, value: str) -> None:
    await _set(superuser, value)
    engine = create_engine(database_url, role=None, pool_size=1)

    await refuse_unsafe(engine)

    await engine.dispose()


@pytest.mark.parametrize("module", ["api.main", "workers.main", "integrations.devices.mqtt.main"])
async def test_every_process_asks_at_its_start(
    database_url: str, superuser: asyncpg.Connection, tmp_path: Path, module: str
) -> None:
    await _set(superuser, "off")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
    environ |= {"ZHIAN_DATABASE_URL": database_url, "ZHIAN_DATA_DIR": str(tmp_path)}

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", module, env=environ, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()

    assert process.returncode == 1
    assert b"UNSAFE_DATABASE: synchronous_commit is off" in said
