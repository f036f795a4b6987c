"""The application over a database of its own, and devices that push to it. Import ``ingest`` in a ``conftest``."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from api.app import create_app
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.secrets import Secret, WeakWay
from domain.security.devices.service import NewDevice, register_device
from domain.security.events.sealed import detail_place, event_place, raw_place
from integrations.bootstrap import Services, bootstrap
from integrations.settings import Settings, read_settings
from tests.factories.api import schema
from tests.factories.furnished import Furnished
from tests.factories.world import World

KINDS = {
    Vendor.HIKVISION: DeviceKind.GATE,
    Vendor.IMPINJ: DeviceKind.RFID_READER,
    Vendor.ZEBRA: DeviceKind.RFID_READER,
    Vendor.ZHIAN: DeviceKind.GATE,
}


@dataclass(frozen=True)
class Speaker:
    """A registered device with its secrets."""

    id: int
    compound_id: int
    vendor: str
    secret: Secret

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret.credential}"}

    @property
    def login(self) -> tuple[str, str]:
        """User name and password."""
        return str(self.id), self.secret.credential

    @property
    def path(self) -> str:
        """The address with the path secret."""
        return f"/devices/{self.vendor}/{self.id}/{self.secret.path_secret}"

    @property
    def topics(self) -> str:
        """The MQTT prefix."""
        return f"c/{self.compound_id}/d/{self.id}/"


@dataclass
class Ingest:
    """The application with a client of it, its devices, and a view of everything that is stored."""

    services: Services
    app: Starlette
    client: httpx.AsyncClient
    world: World
    stored: asyncpg.Connection
    _names: Iterator[int] = field(default_factory=itertools.count)

    async def device(self, vendor: str = "zhian", *, compound: str = "a111", **columns: Any) -> Speaker:
        """Put a device in service, unless told otherwise with a path secret."""
        values: dict[str, Any] = {
            "compound_id": self.world.areas[compound],
            "kind": KINDS.get(Vendor(vendor), DeviceKind.GATEWAY),
            "vendor": Vendor(vendor),
            "name": f"{vendor} {next(self._names)}",
            "weak_ways": frozenset() if "gateway_id" in columns else frozenset({WeakWay.PATH_SECRET}),
        }
        async with self.services.database.unit_of_work(self.world.everywhere) as uow:
            made = await register_device(
                uow, vault=self.services.vault, new=NewDevice(**values | columns), weak_allowed=True
            )
        secret = made.secret or Secret("", "")
        return Speaker(made.device_id, self.world.areas[compound], vendor, secret)

    async def behind(self, hub: Speaker, name: str, **columns: Any) -> Speaker:
        """A device that ``hub`` calls ``name``."""
        return await self.device(
            hub.vendor, **{"kind": DeviceKind.SMOKE, "gateway_id": hub.id, "external_id": name} | columns
        )

    async def push(self, speaker: Speaker, body: Any, **headers: str) -> httpx.Response:
        """``POST`` to the address with the path secret; anything but bytes is sent as JSON."""
        what = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await self.client.post(speaker.path, headers=headers, **what)

    async def say(self, speaker: Speaker, *messages: dict[str, Any]) -> dict[str, Any]:
        """``POST /devices/events``: what was answered."""
        answer = await self.client.post("/devices/events", json=list(messages), headers=speaker.bearer)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def events(self) -> list[dict[str, Any]]:
        """The events, with all their attributes opened into one JSON text."""
        rows = await self.stored.fetch("select * from event order by id")
        return [dict(row) | {"attributes": json.dumps(await self.opened(row))} for row in rows]

    async def opened(self, row: asyncpg.Record) -> dict[str, Any]:
        """All attributes of an event's row."""
        said: dict[str, Any] = json.loads(row["attributes"])
        if row["personal"] is not None:
            place = event_place(row["id"])
            said |= json.loads(await self.services.vault.open(row["personal"], place, area=row["compound_id"]))
        return said

    async def raw(self) -> list[bytes]:
        """The raw messages, opened."""
        vault, rows = self.services.vault, await self.stored.fetch("select * from raw_message order by id")
        return [await vault.open_bytes(row["body"], raw_place(row["id"]), area=row["compound_id"]) for row in rows]

    async def quarantined(self) -> list[tuple[str, str]]:
        """Reason and detail of what was set aside."""
        rows = await self.stored.fetch("select compound_id, raw_id, reason, detail from quarantined order by id")
        vault = self.services.vault
        return [
            (r["reason"], await vault.open(r["detail"], detail_place(r["raw_id"]), area=r["compound_id"])) for r in rows
        ]

    async def count(self, table: str) -> int:
        return int(await self.stored.fetchval(f"select count(*) from {table}"))

    async def tally(self, channel: str | None = None) -> dict[str, int]:
        """The sums that metrics are made of, from the database."""
        names = ("received", "stored", "duplicate", "quarantined", "late")
        sums = ", ".join(f"coalesce(sum({name}), 0)::int as {name}" for name in names)
        row = await self.stored.fetchrow(
            f"select {sums} from ingest_tally where $1::text is null or channel = $1", channel
        )
        return dict(row)

    async def metrics(self) -> dict[tuple[str, str], float]:
        """``zhian_ingest_records_total`` by channel and outcome, as scraped."""
        text = (await self.client.get("/metrics")).text
        return {
            (sample.labels["channel"], sample.labels["outcome"]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "zhian_ingest_records_total"
        }


def settings_for(database_url: str, folder: Path, **environment: str) -> Settings:
    """Settings of a process over ``database_url``, without Valkey unless named, and with room for what tests ask."""
    named = {"ZHIAN_DATABASE_URL": database_url, "ZHIAN_DATA_DIR": str(folder), "ZHIAN_PROFILE": "developer"}
    named |= {"ZHIAN_RATE_FACTOR": "1000", "ZHIAN_SECOND_FACTOR": "optional"}
    return read_settings(named | environment)


@asynccontextmanager
async def running(
    settings: Settings, stored: asyncpg.Connection, furnished: Furnished | None = None
) -> AsyncIterator[Ingest]:
    """The application, as one API process has it. furnished: what its database is a clone of."""
    if furnished is not None:
        furnished.unlock(settings.key_dir)
    async with bootstrap(settings) as services:
        app = create_app(services)
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://zhian.test") as client,
        ):
            if furnished is not None:
                world = furnished.world(services.database, services.vault)
            else:
                world = await World(services.database, services.vault).build("a111", "a112")
            yield Ingest(services, app, client, world, stored)


@contextmanager
def plain_logs() -> Iterator[None]:
    """Tracebacks as text: with every local variable drawn, as structlog does by itself, one takes half a second."""
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, plain])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def ingest(
    two_compounds: Furnished,
    database_url: str,
    tmp_path: Path,
    superuser: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Ingest]:
    monkeypatch.setattr("api.app.build_schema", schema)  # once for all tests
    with plain_logs():
        async with running(settings_for(database_url, tmp_path), superuser, two_compounds) as made:
            yield made
