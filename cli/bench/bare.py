"""``python -m cli.bench.bare PORT``: the bare broadcast, served with the settings of the API process."""

from __future__ import annotations

import sys

import uvicorn
import uvloop

from api.execution.limits import Limits
from api.execution.server import uvicorn_settings
from cli.bench.fanout import allow_files, bare_app


async def serve(port: int) -> None:
    """Serve until SIGTERM."""
    settings = uvicorn_settings(Limits().frame_bytes)
    config = uvicorn.Config(bare_app(), host="127.0.0.1", port=port, loop="none", log_level="warning", **settings)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    allow_files(8_192)
    uvloop.run(serve(int(sys.argv[1])))
