"""PostgreSQL killed and started again below a running application: nothing acknowledged is lost, nothing is twice."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from integrations.embedded import EmbeddedPostgres
from integrations.embedded.postgres import DATABASE, LOGIN
from migrations.run import upgrade
from tests.factories.ingest import Ingest, Speaker, plain_logs, running, settings_for
from tests.factories.mqtt import broker, publish
from tests.factories.patience import PATIENCE

pytestmark = pytest.mark.fault
SMALL = {"shared_buffers": "32MB", "max_wal_size": "128MB", "min_wal_size": "32MB", "wal_sync_method": "fdatasync"}
BURST = 100


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this module's own, to be killed; with a migrated database to clone."""
    with tempfile.TemporaryDirectory(prefix="zhian-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        server = EmbeddedPostgres(Path(name), settings=SMALL)
        server.start()
        asyncio.run(upgrade(server.url()))
        yield server
        server.stop()


@pytest.fixture
async def ingest(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Ingest]:
    name = f"away_{uuid4().hex}"
    admin = await asyncpg.connect(postgres.url("postgres", superuser=True))
    await admin.execute(f"create database {name} owner {LOGIN} template {DATABASE}")
    await admin.close()
    stored = await asyncpg.connect(postgres.url(name, superuser=True))
    with plain_logs():
        async with running(settings_for(postgres.url(name), tmp_path), stored) as made:
            yield made
            await made.stored.close()


async def kill(ingest: Ingest, postgres: EmbeddedPostgres) -> None:
    assert postgres.pid is not None
    ingest.stored.terminate()
    os.kill(postgres.pid, signal.SIGKILL)
    await asyncio.to_thread(postgres.stop)


async def start_again(ingest: Ingest, postgres: EmbeddedPostgres) -> None:
    postgres.start()  # in this thread: the server ends with the thread that started it
    name = urlsplit(str(ingest.services.settings.database_url)).path.strip("/")
    ingest.stored = await asyncpg.connect(postgres.url(name, superuser=True))


def message(number: int) -> dict[str, object]:
    return {"id": f"m-{number}", "type": "door", "data": {"state": "opened"}}


async def post(ingest: Ingest, device: Speaker, number: int) -> httpx.Response:
    return await ingest.client.post("/devices/events", json=message(number), headers=device.bearer)


async def until_taken(ingest: Ingest, device: Speaker, number: int) -> int:
    """As a device does: send the same again until it is acknowledged; how often it was not."""
    for refused in range(2000):
        answer = await post(ingest, device, number)
        if answer.status_code == 200:
            return refused
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        await asyncio.sleep(0.02)  # the device's own pause
    raise AssertionError("never taken")


async def test_while_the_database_is_away_nothing_is_acknowledged_and_then_all_goes_on(
    ingest: Ingest, postgres: EmbeddedPostgres
) -> None:
    gate, stranger = await ingest.device(), await ingest.device()
    assert (await post(ingest, gate, 0)).status_code == 200

    await kill(ingest, postgres)
    known, unknown = await post(ingest, gate, 1), await post(ingest, stranger, 1)
    too_large = await ingest.client.post(
        "/devices/events", content=b"{}", headers=gate.bearer | {"Content-Length": "99999999"}
    )
    by_path = await ingest.push(stranger, b"{}")
    ready, alive = await ingest.client.get("/readyz"), await ingest.client.get("/healthz")
    scraped = await ingest.client.get("/metrics")

    assert [a.status_code for a in (known, unknown, too_large, by_path)] == [503] * 4
    assert {a.headers["retry-after"] for a in (known, unknown, too_large, by_path)} == {"2"}
    assert (ready.status_code, alive.status_code, scraped.status_code) == (503, 200, 200)
    assert "zhian_database_up 0.0" in scraped.text

    await start_again(ingest, postgres)
    refused = [await until_taken(ingest, device, 1) for device in (gate, stranger)]

    assert (await ingest.client.get("/readyz")).status_code == 200
    assert "zhian_database_up 1.0" in (await ingest.client.get("/metrics")).text
    assert await ingest.count("event") == 3
    assert refused == [0, 0], "the first message after the restart is taken"


async def test_a_kill_in_the_middle_of_a_burst_loses_and_doubles_nothing(
    ingest: Ingest, postgres: EmbeddedPostgres
) -> None:
    gates = [await ingest.device() for _ in range(4)]
    taken: asyncio.Queue[int] = asyncio.Queue()

    async def lane(device: Speaker) -> None:
        for number in range(BURST):
            await until_taken(ingest, device, number)
            taken.put_nowait(number)

    lanes = [asyncio.create_task(lane(device)) for device in gates]
    for _ in range(BURST):
        await taken.get()
    await kill(ingest, postgres)
    assert not any(task.done() for task in lanes)
    assert (await post(ingest, gates[0], BURST - 1)).status_code == 503
    await start_again(ingest, postgres)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*lanes)

    assert await ingest.count("event") == 4 * BURST
    tally = await ingest.tally()
    assert tally["stored"] == 4 * BURST
    assert tally["received"] == tally["stored"] + tally["duplicate"]


async def test_over_mqtt_the_broker_lets_devices_send_again(ingest: Ingest, postgres: EmbeddedPostgres) -> None:
    gate = await ingest.device()
    async with broker(ingest.services) as port:
        await publish(
            port, gate, [("door", str.encode(f'{{"id":"q-{n}","data":{{"state":"opened"}}}}')) for n in range(5)]
        )
        await kill(ingest, postgres)
        later = [("door", f'{{"id":"r-{n}","data":{{"state":"opened"}}}}'.encode()) for n in range(50)]
        sending = asyncio.create_task(publish(port, gate, later))
        done, _ = await asyncio.wait({sending}, timeout=0.5)
        assert not done
        await start_again(ingest, postgres)
        await sending

    assert await ingest.count("event") == 55
