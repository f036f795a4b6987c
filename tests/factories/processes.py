"""Our processes as they are deployed, on loopback ports, against the test's own database."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from api.execution.limits import Limits
from api.execution.server import uvicorn_settings
from tests.factories.patience import PATIENCE
from tests.factories.ports import free_port


async def answers(port: int) -> None:
    """Wait until something listens on ``port``."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return


@asynccontextmanager
async def process(
    module: str, port: int, folder: Path, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """``python -m module`` once ``port`` answers; its output is in ``folder``, under the module's name."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
    with (folder / f"{module}.log").open("wb") as output:
        started = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, env=inherited | environment, stdout=output, stderr=output
        )
    try:
        await answers(port)
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        async with asyncio.timeout(PATIENCE):
            await started.wait()


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[int]:
    """``app`` under uvicorn with the protocols of ``api.main``, in this process; gives the port. Runs no lifespan."""
    port = free_port()
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        lifespan="off",
        loop="none",
        access_log=False,
        log_config=None,
        server_header=False,
        **uvicorn_settings(Limits().frame_bytes),
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve())
    try:
        await answers(port)
        yield port
    finally:
        server.should_exit = True
        await running
