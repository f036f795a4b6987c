"""For those who run it: liveness, readiness and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select, text
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.json import JsonResponse
from domain.kernel import relay
from domain.kernel.actor import NOTHING
from domain.kernel.uow import Database, Reader
from domain.security.events.models import IngestTally

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
        """Prometheus text."""
        registry = CollectorRegistry()
        async with self._database.reader(NOTHING) as reader:
            await self._ingest(registry, reader)
            outbox = await relay.figures(reader, self._database.clock())
        for name, value in (
            ("pending", outbox.pending),
            ("oldest_seconds", outbox.oldest_seconds),
            ("dead", outbox.dead),
        ):
            Gauge(f"zhian_outbox_{name}", f"Outbox events: {name}", registry=registry).set(value)
        for name, value in self._live().items():
            Gauge(f"zhian_{name}", name.replace("_", " "), registry=registry).set(value)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def _ingest(self, registry: CollectorRegistry, reader: Reader) -> None:
        columns = [func.coalesce(func.sum(getattr(IngestTally, name)), 0).label(name) for name in OUTCOMES]
        rows = await reader.rows(select(IngestTally.channel, *columns).group_by(IngestTally.channel))
        records = Gauge(
            "zhian_ingest_records_total",
            "Device records; received = stored + duplicate + quarantined, late counts among stored",
            ["channel", "outcome"],
            registry=registry,
        )
        for channel, *counts in rows:
            for outcome, count in zip(OUTCOMES, counts, strict=True):
                records.labels(channel, outcome).set(int(count))
