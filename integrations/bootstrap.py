"""The composition root: from settings to services. The only place that knows which adapter stands behind which port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.community.bills.pull.ports import UtilityBillPort
from domain.community.payments.autopay.ports import Agreements
from domain.community.payments.ports import Gateways, Vendor
from domain.community.prices.ports import PriceSourcePort
from domain.identity.ports import SmsPort
from domain.kernel.uow import Database, News
from domain.security.devices.directory import DeviceDirectory
from domain.security.events.recorder import Recorder
from domain.security.notifications.ports import PushPort
from integrations.devices.intake import DeviceIntake
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens
from integrations.identity.vault import EnvelopeVault, open_vault
from integrations.market.sources import price_sources
from integrations.messaging.senders import senders
from integrations.messaging.signing import SecretFile, Secrets
from integrations.payments.gateways import payments
from integrations.payments.notices import ReadsNotices
from integrations.postgres import create_engine, refuse_restored, refuse_unsafe
from integrations.settings import Settings
from integrations.spending import Spending
from integrations.valkey import NewsChannel
from integrations.vision.decoder import UPLOAD_BYTES, Budget
from integrations.vision.pictures import LocalPictures


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a process works with, ready to use. callbacks: secrets of a gateway that reports back; None = none.

    payments: the vendors through which residents pay; one that is not configured is not there. notices: units of work
    in which their notices are taken. utilities: who is asked for bills of water, electricity and gas.
    agreements: the vendors with which auto-pay can be agreed.
    """

    settings: Settings
    engine: AsyncEngine
    database: Database
    vault: EnvelopeVault
    tokens: AccessTokens
    sms: SmsPort
    push: PushPort
    callbacks: Secrets | None
    payments: Gateways
    agreements: Agreements
    payment_notices: Mapping[Vendor, ReadsNotices]
    utilities: UtilityBillPort | None
    notices: Database
    news: NewsChannel
    spending: Spending
    directory: DeviceDirectory
    recorder: Recorder
    pictures: LocalPictures
    uploads: LocalPictures
    intake: DeviceIntake
    price_sources: tuple[PriceSourcePort, ...]

    def hear(self, on_news: Callable[[News], None]) -> AbstractContextManager[None]:
        """Have ``on_news`` called with all news while the context lasts."""
        return self.news.hear(on_news)


PATIENCE = 15.0


def notice_engine(url: str, *, patience: float = PATIENCE) -> AsyncEngine:
    """Connections on which notices of payments are taken: one for each lane of the intake, and for nothing else.

    They come in bursts, and take a dozen statements each time. On connections of the common pool a third of a batch's
    time was planning these anew, and meeting their tables for the first time.
    """
    return create_engine(url, pool_size=2, application="zhian-notices", generic_plans=True, patience=patience)


@asynccontextmanager
async def bootstrap(settings: Settings, *, pool_size: int = 10, patience: float = PATIENCE) -> AsyncIterator[Services]:
    """Services for one process; everything opened here is closed on leaving.

    patience: seconds that a statement, and a pause in a transaction, may last; see ``create_engine``.

    Raises UnsafeDatabase when the database may forget what it acknowledged, RestoredDatabase when it came from another
    server and was not migrated here, WrongWrappingKey when the key file is not its own, OSError, ValueError or
    UnsafeKeyFile when a gateway's secrets or a payment account's keys cannot be read.
    """
    async with AsyncExitStack() as stack:
        url = str(settings.database_url)
        engine = _closing(stack, create_engine(url, pool_size=pool_size, patience=patience))
        await refuse_unsafe(engine)
        await refuse_restored(engine)
        short = min(patience, PATIENCE)
        ingest = _closing(
            stack, create_engine(url, pool_size=8, application="zhian-ingest", generic_plans=True, patience=short)
        )
        noticing = _closing(stack, notice_engine(url, patience=short))
        news = NewsChannel(None if settings.redis_url is None else str(settings.redis_url))
        stack.push_async_callback(news.close)
        spending = Spending(None if settings.redis_url is None else str(settings.redis_url))
        stack.push_async_callback(spending.close)
        database = Database(engine, wake=news.publish)
        keys = _closing(stack, create_engine(url, pool_size=1, application="zhian-keys"))
        vault = await open_vault(settings.key_dir, keys)
        directory = DeviceDirectory(ingest, hears_news=lambda: news.connected)
        recorder = Recorder(ingest, directory, vault, wake=news.publish)
        await recorder.start()
        stack.push_async_callback(recorder.stop)
        pictures, uploads = _pictures(settings, stack)
        kept = timedelta(days=settings.picture_retention_days)
        paid = payments(settings, database.clock, stack)
        sms, push = senders(settings, database, vault, stack)
        services = Services(
            settings=settings,
            engine=engine,
            database=database,
            vault=vault,
            tokens=AccessTokens(SigningKeys(settings.key_dir), issuer=settings.public_url),
            sms=sms,
            push=push,
            callbacks=None if settings.callback_secrets is None else SecretFile(settings.callback_secrets),
            payments=paid.gateways,
            agreements=paid.agreements,
            payment_notices=paid.readers,
            utilities=paid.utilities,
            notices=Database(noticing, wake=news.publish, clock=database.clock),
            news=news,
            spending=spending,
            directory=directory,
            recorder=recorder,
            pictures=pictures,
            uploads=uploads,
            intake=DeviceIntake(recorder, directory, pictures, pictures_kept=kept),
            price_sources=price_sources(settings, stack),
        )
        stack.enter_context(news.hear(lambda said: forget_devices(directory, said)))
        await news.start()
        yield services


def _closing(stack: AsyncExitStack, engine: AsyncEngine) -> AsyncEngine:
    """``engine``, closed with the stack."""
    stack.push_async_callback(engine.dispose)
    return engine


def _pictures(settings: Settings, stack: AsyncExitStack) -> tuple[LocalPictures, LocalPictures]:
    """Of devices, and of people: photos of residents never stand before those of a gate in the queue for a decoder."""
    pictures = LocalPictures(settings.picture_dir)
    stack.push_async_callback(pictures.close)
    uploads = LocalPictures(settings.picture_dir, budget=Budget(content_bytes=UPLOAD_BYTES), processes=1)
    stack.push_async_callback(uploads.close)
    return pictures, uploads


def forget_devices(directory: DeviceDirectory, news: News) -> None:
    """Ask again for devices whose credentials or places may have changed."""
    if "access" in news.topics:
        directory.forget()
