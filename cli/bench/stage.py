"""A stage for measurements: private servers, a migrated database, one county with devices, processes to be measured."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.estate.models import Area
from domain.kernel.actor import Scope, system_actor
from domain.kernel.uow import Database, UnitOfWork
from domain.security.devices.models import Device, DeviceCredential
from domain.security.devices.secrets import Secret, hashed, new_secret
from integrations.embedded import Command, EmbeddedPostgres, EmbeddedValkey
from integrations.embedded.process import Running
from integrations.identity.vault import EnvelopeVault, open_vault
from integrations.postgres import create_engine
from integrations.settings import Settings, read_settings
from migrations.run import upgrade

READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Speaker:
    """A device of the stage and its secrets."""

    id: int
    compound_id: int
    secret: Secret


@dataclass(slots=True)
class Stage:
    """Where everything is."""

    folder: Path
    environment: dict[str, str]
    engine: AsyncEngine
    superuser_url: str
    devices: list[Speaker] = field(default_factory=list)
    compounds: list[int] = field(default_factory=list)
    county: int = 0

    @property
    def settings(self) -> Settings:
        """The settings of the stage's processes."""
        return read_settings(self.environment)

    @property
    def database(self) -> Database:
        """Units of work on the stage."""
        return Database(self.engine)

    async def vault(self) -> EnvelopeVault:
        """The keys of the stage's processes, its compounds' among them."""
        vault = await open_vault(self.settings.key_dir, self.engine)
        await vault.ready(self.compounds)
        return vault

    @property
    def port(self) -> int:
        """Where the API listens."""
        return int(self.environment["ZHIAN_PORT"])

    @property
    def mqtt_port(self) -> int:
        """Where the broker listens."""
        return int(self.environment["ZHIAN_MQTT_PORT"])

    @asynccontextmanager
    async def process(self, module: str, *arguments: str, port: int | None = None) -> AsyncIterator[None]:
        """Run one of our processes until the context ends; ready when ``port`` answers."""
        command = Command(
            argv=(sys.executable, "-P", "-m", module, *arguments),
            env=dict(os.environ) | self.environment,
            cwd=self.folder,
            stop_seconds=10.0,
        )
        running = Running(command, self.folder / f"{module}.log")
        try:
            if port is not None:
                await answers(port)
            yield
        finally:
            await asyncio.to_thread(running.stop)


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def answers(port: int) -> None:
    """Wait until something listens on ``port``. Raises TimeoutError."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def _new_folder() -> Path:
    """A folder the servers' account may enter too, when that is another than ours."""
    folder = Path(tempfile.mkdtemp(prefix="zhian-bench-"))
    folder.chmod(0o711)
    return folder


@asynccontextmanager
async def stage(*, devices: int = 50, compounds: int = 1) -> AsyncIterator[Stage]:
    """Set the stage; everything on it is gone afterwards."""
    folder = _new_folder()
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres, valkey = EmbeddedPostgres(folder), EmbeddedValkey(folder)
        for server in (postgres, valkey):
            await asyncio.to_thread(server.start)
            stack.callback(server.stop)
        await upgrade(postgres.url())
        engine = create_engine(postgres.url(), pool_size=8)
        stack.push_async_callback(engine.dispose)
        port = free_port()
        environment = {
            "ZHIAN_DATA_DIR": str(folder),
            "ZHIAN_DATABASE_URL": postgres.url(),
            "ZHIAN_REDIS_URL": valkey.url(),
            "ZHIAN_PORT": str(port),
            "ZHIAN_MQTT_PORT": str(free_port()),
            "ZHIAN_PROFILE": "developer",
            "ZHIAN_LOG_LEVEL": "warning",
            "ZHIAN_RATE_FACTOR": "1000",
        }
        built = Stage(folder, environment, engine, postgres.url(superuser=True))
        await _people_it(built, devices=devices, compounds=compounds)
        yield built


async def _people_it(built: Stage, *, devices: int, compounds: int) -> None:
    """One county, one town, one community, ``compounds`` compounds with ``devices`` devices each."""
    async with built.database.unit_of_work(system_actor(Scope(counties=(1,)))) as uow:
        built.county = await _area(uow, "county", None, {})
        town = await _area(uow, "town", built.county, {"county_id": built.county})
        above = {"county_id": built.county, "town_id": town}
        community = await _area(uow, "community", town, above)
        above |= {"community_id": community}
        for _ in range(compounds):
            compound = await _area(uow, "compound", community, above)
            built.compounds.append(compound)
            for number in range(devices):
                built.devices.append(await _device(uow, above | {"compound_id": compound}, number))


async def _area(uow: UnitOfWork, level: str, parent: int | None, above: dict[str, int]) -> int:
    area_id: int = (await uow.session.execute(select(func.nextval("area_id_seq")))).scalar_one()
    path = ".".join(str(i) for i in (*above.values(), area_id))
    ids = above | {f"{level}_id": area_id}
    kind = "closed" if level == "compound" else None
    row = {"id": area_id, "level": level, "parent_id": parent, "path": path, "name": f"{level} {area_id}", "kind": kind}
    await uow.session.execute(insert(Area).values(row | ids))
    return area_id


async def _device(uow: UnitOfWork, place: dict[str, int], number: int) -> Speaker:
    statement = insert(Device).values(vendor="zhian", kind="gate", name=f"gate {number}", zone="gate", **place)
    device_id = (await uow.session.execute(statement.returning(Device.id))).scalar_one()
    secret = new_secret()
    await uow.session.execute(
        insert(DeviceCredential).values(device_id=device_id, secret_hash=hashed(secret.credential))
    )
    return Speaker(device_id, place["compound_id"], secret)
