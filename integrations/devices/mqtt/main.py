"""``python -m integrations.devices.mqtt.main``: the embedded broker, or the client of an outside one.

Ends with status 0 on SIGTERM or SIGINT, after what is in hand; with another when it cannot go on, to be started again.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable

import structlog
import uvloop

from domain.kernel.uow import News
from integrations.bootstrap import Services, bootstrap
from integrations.devices.mqtt.bridge import Bridge, BrokerAddress
from integrations.devices.mqtt.broker import DeviceBroker
from integrations.devices.mqtt.intake import Intake
from integrations.garbage import swept
from integrations.logs import configure_logs
from integrations.settings import read_settings

log = structlog.get_logger(__name__)


async def serve(services: Services, stop: asyncio.Event) -> None:
    """Take messages until ``stop``. Raises when that is not possible (any more)."""
    if services.settings.mqtt_url is None:
        await _embedded(services, stop)
    else:
        await _outside(services, str(services.settings.mqtt_url), stop)


async def _embedded(services: Services, stop: asyncio.Event) -> None:
    settings, intake = services.settings, Intake(services.intake)
    broker = DeviceBroker(settings.host, settings.mqtt_port, directory=services.directory, intake=intake)
    await broker.start()
    log.info("mqtt.listening", host=settings.host, port=broker.listening_port)

    def on_news(news: News) -> None:
        if "access" in news.topics:
            broker.doubt()

    try:
        with services.hear(on_news):
            await _until(stop, broker.run())
    finally:
        await broker.close()
        _tell(intake.counts)


async def _outside(services: Services, url: str, stop: asyncio.Event) -> None:
    bridge = Bridge(BrokerAddress.read(url), directory=services.directory, sink=services.intake)
    try:
        await _until(stop, bridge.run())
    finally:
        _tell(bridge.counts)


async def _until(stop: asyncio.Event, work: Awaitable[None]) -> None:
    """Run ``work`` until ``stop``; raises what it raises."""
    running, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        running.cancel()
        stopped.cancel()
        await asyncio.gather(running, stopped, return_exceptions=True)


def _tell(counts: Counter[str]) -> None:
    log.info("mqtt.ended", **counts)


async def run() -> None:
    """Read the settings and serve until a signal."""
    settings = read_settings()
    configure_logs(settings.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with bootstrap(settings) as services, swept():
        await serve(services, stop)


if __name__ == "__main__":
    uvloop.run(run())
