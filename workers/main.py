"""``python -m workers.main``: the worker process. Ends with status 0 on SIGTERM or SIGINT, after what is in hand."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Protocol

import uvloop

from domain.community.payments.autopay.ports import Agreements
from domain.community.payments.ports import Gateways
from domain.identity.ports import SmsPort, Vault
from domain.kernel.uow import Database, News
from domain.security.notifications.ports import PushPort
from integrations.bootstrap import bootstrap
from integrations.logs import configure_logs
from integrations.settings import Settings, read_settings
from workers.audit import signing
from workers.autopay import autopay_steps
from workers.bill_inbox import inbox_steps
from workers.bill_pull import pull_steps
from workers.bills import BillImports
from workers.handlers import handlers
from workers.payments import payment_steps
from workers.pictures import PictureFiles
from workers.prices import price_step
from workers.relay import Relay
from workers.schedule import Schedule, Step
from workers.steps import Kept, steps
from workers.wake import Waker
from workers.worker import run

PATIENCE = 60.0
"""Seconds for a statement: dropping a month's events, or deleting old rows, may take longer than anybody waits."""


class Services(Protocol):
    """What the worker asks of the composition root; ``integrations.bootstrap`` provides it.

    ``hear``: have a function called with all news while the context lasts.
    """

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def payments(self) -> Gateways: ...
    @property
    def agreements(self) -> Agreements: ...
    @property
    def sms(self) -> SmsPort: ...
    @property
    def push(self) -> PushPort: ...
    def hear(self, on_news: Callable[[News], None]) -> AbstractContextManager[None]: ...


async def work(services: Services, stop: asyncio.Event, *, hooks: tuple[Step, ...] = ()) -> None:
    """Work with ``services`` until ``stop``. hooks: scheduled steps of slices that need more than a database."""
    settings, database = services.settings, services.database
    relay = Relay(database, handlers(push=services.push, sms=services.sms, vault=services.vault))
    files = PictureFiles(settings.picture_dir)
    paying = (*payment_steps(services.payments), *autopay_steps(services.agreements))
    schedule = Schedule(database, steps(files, services.vault, kept=_kept(settings), hooks=(*paying, *hooks)))
    beside = {"bill_imports": BillImports(database, services.vault).drain}
    if settings.redis_url is None:
        await run(relay, schedule, None, stop, beside=beside)
        return
    waker = Waker(str(settings.redis_url), relay)
    with services.hear(waker.on_news):
        await run(relay, schedule, waker, stop, beside=beside)


def _kept(settings: Settings) -> Kept:
    return Kept(
        raw=timedelta(days=settings.raw_retention_days),
        events=timedelta(days=settings.event_retention_days),
        sightings=timedelta(days=settings.sighting_retention_days),
        alerts=timedelta(days=settings.alert_retention_days),
    )


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def serve() -> None:
    """Work as the environment's settings say, until a signal."""
    settings = read_settings()
    configure_logs(settings.log_level)
    logging.getLogger("arq").setLevel(logging.ERROR)  # an expired wake-up is no news
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with bootstrap(settings, patience=PATIENCE) as services:
        bills = (*pull_steps(services.utilities, services.vault), *inbox_steps(settings.bill_inbox, services.vault))
        await work(services, stop, hooks=(signing(settings), price_step(services.price_sources), *bills))


if __name__ == "__main__":
    uvloop.run(serve())
