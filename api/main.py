"""``python -m api.main``: the API process, under uvicorn with the protocols its sockets need."""

from __future__ import annotations

import resource

import uvicorn
import uvloop

from api.app import create_app
from api.execution.limits import Limits
from api.execution.server import uvicorn_settings
from integrations.bootstrap import bootstrap
from integrations.logs import configure_logs
from integrations.settings import read_settings


async def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = read_settings()
    configure_logs(settings.log_level)
    async with bootstrap(settings) as services:
        config = uvicorn.Config(
            create_app(services),
            host=settings.host,
            port=settings.port,
            loop="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=5,
            **uvicorn_settings(Limits().frame_bytes),
        )
        await uvicorn.Server(config).serve()


def main() -> None:
    """Run on uvloop, with as many open sockets as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(serve())


if __name__ == "__main__":
    main()
