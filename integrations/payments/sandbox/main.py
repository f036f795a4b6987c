"""``python -m integrations.payments.sandbox.main``: the sandbox as a process of ``zhian up --demo``, on loopback only.

``ZHIAN_DATA_DIR``: keys and the journal lie in its folder ``sandbox``. ``ZHIAN_SANDBOX_PORT``: where it listens.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import uvicorn
from starlette.config import Config

from domain.kernel.clock import system_clock
from integrations.logs import configure_logs
from integrations.payments.sandbox.app import Sandbox, sandbox
from integrations.payments.sandbox.keys import FOLDER, HOST, kept_keys

PORT: Final = 8099
SETTLE_SECONDS: Final = 0.5


async def serve(folder: Path, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    keys = kept_keys(folder, system_clock())
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as client:
        there = sandbox(keys, client, journal=folder / "trades.jsonl")
        config = uvicorn.Config(there.app, host=HOST, port=port, loop="none", access_log=False, log_config=None)
        sending = [asyncio.create_task(there.notices.run()), asyncio.create_task(_settle(there))]
        try:
            await uvicorn.Server(config).serve()
        finally:
            for task in sending:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*sending)


async def _settle(there: Sandbox) -> None:
    """Let refunds arrive, whether or not anybody asks."""
    while True:
        there.wechat.settle()
        await asyncio.sleep(SETTLE_SECONDS)


def main() -> None:
    """Read where, and serve."""
    config = Config(env_prefix="ZHIAN_")
    configure_logs(config("LOG_LEVEL", default="info"))
    folder = config("DATA_DIR", cast=Path, default=Path(".zhian")).absolute() / FOLDER
    asyncio.run(serve(folder, config("SANDBOX_PORT", cast=int, default=PORT)))


if __name__ == "__main__":
    main()
