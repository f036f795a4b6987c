"""``python -m api.main``: the API process, under uvicorn with the protocols its sockets need."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
import uvloop

from api.app import create_app
from api.execution.limits import Limits
from api.execution.server import uvicorn_settings
from integrations.bootstrap import bootstrap
from integrations.garbage import swept
from integrations.logs import configure_logs
from integrations.settings import Settings, read_settings


class Server(uvicorn.Server):
    """Ends by returning: uvicorn's own raises the signal again, which would end the process with the recorder open."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Begin to end at SIGTERM or SIGINT; at the second one, at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = read_settings()
    configure_logs(settings.log_level)
    async with bootstrap(settings) as services:
        server = Server(server_config(create_app(services), settings))
        async with swept():
            await server.serve()


def server_config(app: Any, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves ``app``. A client's address, which rate limits count by, is told by trusted proxies only."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,  # devices push every half minute; a push must not meet a closing connection
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        **uvicorn_settings(Limits().frame_bytes),
    )


def main() -> None:
    """Run on uvloop, with as many open sockets as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(serve())


if __name__ == "__main__":
    main()
