"""For those who run it: liveness, readiness and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from sqlalchemy import func, select, text
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.json import JsonResponse
from domain.kernel import relay
from domain.kernel.actor import NOTHING
from domain.kernel.uow import Database, Reader
from domain.security.devices.queries import weak_device_counts
from domain.security.events.models import IngestTally

log = structlog.get_logger(__name__)

READY_SECONDS = 2.0
OUTCOMES = ("received", "stored", "duplicate", "quarantined", "late")


class Operations:
    """``/healthz``, ``/readyz`` and ``/metrics``.

    Ingest counts come from the database, where they are written with what they count: they hold across processes and
    kills, and received = stored + duplicate + quarantined at every scrape.
    """

    def __init__(self, database: Database, *, live: Callable[[], dict[str, float]]) -> None:
        self._database = database
        self._live = live

    def routes(self) -> list[Route]:
        """The three endpoints."""
        return [
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.metrics),
        ]

    async def healthz(self, _: Request) -> Response:
        """The process runs."""
        return PlainTextResponse("ok")

    async def readyz(self, _: Request) -> Response:
        """The database answers; 503 while it does not."""
        try:
            async with asyncio.timeout(READY_SECONDS), self._database.reader(NOTHING) as reader:
                await reader.rows(text("select 1"))
        except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
            return JsonResponse({"ready": False, "database": type(error).__name__}, 503)
        return JsonResponse({"ready": True, "database": "ok"})

    async def metrics(self, _: Request) -> Response:
        """Prometheus text. Without the database only what this process knows by itself."""
        families = [_gauge(name, name.replace("_", " "), value) for name, value in self._live().items()]
        try:
            async with asyncio.timeout(READY_SECONDS), self._database.reader(NOTHING) as reader:
                ingest = await self._ingest(reader)
                weak = await self._weak_devices(reader)
                outbox = await relay.figures(reader, self._database.clock())
        except Exception:
            log.exception("metrics_without_database")
            families.append(_gauge("database_up", "Whether the database answers", 0))
        else:
            families += [
                _gauge("database_up", "Whether the database answers", 1),
                ingest,
                weak,
                _gauge("outbox_pending", "Outbox events: pending", outbox.pending),
                _gauge("outbox_oldest_seconds", "Outbox events: age of the oldest", outbox.oldest_seconds),
                _gauge("outbox_dead", "Outbox events: dead", outbox.dead),
            ]
        return Response(generate_latest(_Once(families)), media_type=CONTENT_TYPE_LATEST)

    async def _ingest(self, reader: Reader) -> Metric:
        columns = [func.coalesce(func.sum(getattr(IngestTally, name)), 0).label(name) for name in OUTCOMES]
        rows = await reader.rows(select(IngestTally.channel, *columns).group_by(IngestTally.channel))
        records = CounterMetricFamily(
            "zhian_ingest_records",
            "Device records; received = stored + duplicate + quarantined, late counts among stored",
            labels=["channel", "outcome"],
        )
        for channel, *counts in rows:
            for outcome, count in zip(OUTCOMES, counts, strict=True):
                records.add_metric([channel, outcome], int(count))
        return records

    async def _weak_devices(self, reader: Reader) -> Metric:
        """Of every county: a credential tells no place, so its table has no row security."""
        devices = GaugeMetricFamily(
            "zhian_devices_weak", "Devices with a credential that opens a weak way in", labels=["way"]
        )
        for way, count in (await weak_device_counts(reader)).items():
            devices.add_metric([way], count)
        return devices


def _gauge(name: str, words: str, value: float) -> Metric:
    """A gauge, or a counter when it is named as one."""
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    return kind(f"zhian_{name}", words, value=value)


class _Once(CollectorRegistry):
    """A registry of figures that were just collected."""

    def __init__(self, families: Sequence[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """The figures."""
        return iter(self._families)
