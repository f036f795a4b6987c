"""The API and the MQTT process as deployed, beside each other over one database and one Valkey."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest

from domain.security.devices.service import rotate_credential
from tests.factories.ingest import Ingest, plain_logs, running, settings_for
from tests.factories.mqtt import publish
from tests.factories.patience import PATIENCE
from tests.factories.ports import free_port
from tests.factories.processes import process

pytestmark = pytest.mark.fault
API, MQTT = "api.main", "integrations.devices.mqtt.main"
BELIEVING = "tests.contract.ingest.believing"


@dataclass
class Deployed:
    """``here`` registers devices and sees what is stored; the processes do the work."""

    here: Ingest
    http: httpx.AsyncClient
    mqtt_port: int
    folder: Path

    def log(self, module: str) -> str:
        return (self.folder / f"{module}.log").read_text()


@pytest.fixture
async def deployed(
    request: pytest.FixtureRequest,
    database_url: str, redis_url: str, tmp_path: Path, superuser: asyncpg.Connection,
) -> AsyncIterator[Deployed]:  # fmt: skip
    port, mqtt_port = free_port(), free_port()
    environment = {
        "ZHIAN_DATA_DIR": str(tmp_path),
        "ZHIAN_DATABASE_URL": database_url,
        "ZHIAN_REDIS_URL": redis_url,
        "ZHIAN_PORT": str(port),
        "ZHIAN_MQTT_PORT": str(mqtt_port),
        "ZHIAN_LOG_LEVEL": "debug",
        "ZHIAN_WEAK_DEVICE_AUTH": "allow",
    }
    settings = settings_for(database_url, tmp_path, ZHIAN_REDIS_URL=redis_url)
    async with AsyncExitStack() as stack:
        stack.enter_context(plain_logs())
        here = await stack.enter_async_context(running(settings, superuser))
        await asyncio.gather(
            stack.enter_async_context(process(getattr(request, "param", API), port, tmp_path, **environment)),
            stack.enter_async_context(process(MQTT, mqtt_port, tmp_path, **environment)),
        )
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)
        )
        yield Deployed(here, client, mqtt_port, tmp_path)


async def test_two_processes_are_one_system(deployed: Deployed) -> None:
    here, client = deployed.here, deployed.http
    gate, hub = await here.device(), await here.device()
    smoke = {"id": "s-1", "type": "sensor", "data": {"smoke": True}}
    named = gate.bearer | {"X-Request-Id": "front-0123456789"}

    posted = await client.post("/devices/events", json=smoke, headers=named)
    by_path = await client.post(hub.path, json=smoke)
    await publish(deployed.mqtt_port, hub, [("sensor", json.dumps(smoke).encode())] * 3)

    assert (posted.status_code, by_path.status_code, posted.json()["stored"]) == (200, 200, 1)
    assert (await client.get("/readyz")).json() == {"ready": True, "database": "ok"}
    assert (await here.count("event"), await here.count("alert")) == (2, 2)
    scraped = (await client.get("/metrics")).text
    assert re.search(r'channel="mqtt",outcome="duplicate"} 3\.0', scraped)
    assert re.search(r'channel="http",outcome="stored"} 2\.0', scraped)
    lines = [json.loads(line) for line in deployed.log(API).splitlines()]
    assert "front-0123456789" in {line.get("request_id") for line in lines}
    for secret in (gate.secret, hub.secret):
        for log in (deployed.log(API), deployed.log(MQTT)):
            assert secret.credential not in log
            assert secret.path_secret not in log


@pytest.mark.parametrize("deployed", [BELIEVING], indirect=True)  # by news, or not at all
async def test_a_replaced_credential_ends_at_once_in_every_process(deployed: Deployed) -> None:
    here, client = deployed.here, deployed.http
    gate = await here.device()
    beat = {"id": "h", "type": "heartbeat", "data": {}}
    assert (await client.post("/devices/events", json=beat, headers=gate.bearer)).status_code == 200

    async with here.services.database.unit_of_work(here.world.everywhere) as uow:
        await rotate_credential(uow, vault=here.services.vault, device_id=gate.id, grace_minutes=0)
    statuses = set()
    async with asyncio.timeout(PATIENCE):
        while 401 not in statuses:
            statuses.add((await client.get("/devices/me", headers=gate.bearer)).status_code)

    assert statuses <= {204, 401}
