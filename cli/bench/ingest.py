"""`zhian bench ingest`: how fast device records become durable, against what PostgreSQL itself can do in the same run.

The limit is COPY: the same rows (raw messages, inbox keys, events, sightings) into tables of the same shape, keys and
indexes, by a superuser without row-level security, 2,000 rows a commit. What we are below it is the price of
acknowledging each record after its own commit, of deciding duplicates, of the rules, of tenancy, and of the wire.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import asyncpg
import orjson
from sqlalchemy import make_url

from cli.bench import http_load, mqtt_load
from cli.bench.report import Result, at_least, told
from cli.bench.stage import Speaker, Stage, stage
from domain.identity.ports import Vault
from domain.security.devices.directory import DeviceDirectory, DeviceRef
from domain.security.devices.observation import Message, Observation
from domain.security.events.recorder import Recorder
from domain.security.events.rows import digest
from domain.security.events.sealed import event_columns, raw_place
from domain.security.sightings.subjects import subject_index, subject_place
from integrations.devices import registry
from integrations.postgres import create_engine

COPY_ROWS = 2_000
PRODUCERS = 1_000
CONNECTIONS, BATCH_CONNECTIONS = 128, 16
BATCH = 100
ROUNDS = 3
SERVICE_GOAL, NDJSON_GOAL, SINGLES_GOAL = 0.35, 0.12, 0.30


def message(number: int, run: str) -> dict[str, Any]:
    """One passage at a gate, as a device sends it."""
    data = {"decision": "granted", "method": "card", "card_no": f"90{number % 5000:06d}", "direction": "in", "door": 1}
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"id": f"{run}-{number}", "type": "passage", "at": at, "data": data}


async def measure(*, quick: bool) -> list[Result]:
    """All figures of one run, each on fresh records."""
    records, requests, singles = (20_000, 10_000, 6_000) if quick else (60_000, 20_000, 15_000)
    async with stage() as built:
        bare = await in_turns(lambda: copy_rate(built, records), lambda: service_rate(built, records))
        async with built.process("api.main", port=built.port):
            await singles_rate(built, 2_000, "warm")
            over_http = await in_turns(lambda: copy_rate(built, records), lambda: ndjson_rate(built, records))
            single = await in_turns(lambda: empty_rate(built, requests), lambda: singles_rate(built, singles, "one"))
        async with built.process("integrations.devices.mqtt.main", port=built.mqtt_port):
            mqtt = await mqtt_rate(built, 5_000 if quick else 20_000)
    copy, empty = "COPY of the same rows, records/s", "empty authenticated endpoint, requests/s"
    return [
        told("copy", bare.limit, "records/s"),
        at_least("service", bare.rate, "records/s", (copy, bare.limit), SERVICE_GOAL),
        at_least("ndjson", over_http.rate, "records/s", (copy, over_http.limit), NDJSON_GOAL),
        told("empty", single.limit, "requests/s"),
        at_least("singles", single.rate, "records/s", (empty, single.limit), SINGLES_GOAL),
        told("mqtt", mqtt, "records/s"),
    ]


class Round(NamedTuple):
    """A rate and what it is held against, taken one after the other."""

    limit: float
    rate: float


async def in_turns(limit: Callable[[], Awaitable[float]], rate: Callable[[], Awaitable[float]]) -> Round:
    """The middle of ROUNDS by their ratios: a machine's speed drifts within a minute, and with it both alike."""
    rounds = [Round(await limit(), await rate()) for _ in range(ROUNDS)]
    return sorted(rounds, key=lambda each: each.rate / each.limit)[ROUNDS // 2]


async def copy_rate(built: Stage, records: int) -> float:
    """Rows a second of COPY into copies of the four tables."""
    url = make_url(built.superuser_url).set(drivername="postgresql")
    connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    tables = await copies(connection)
    rows = copy_rows(built, await built.vault(), records)
    try:
        started = time.perf_counter()
        for start in range(0, records, COPY_ROWS):
            async with connection.transaction():
                for table, (columns, values) in zip(tables, rows, strict=True):
                    chunk = values[start : start + COPY_ROWS]
                    await connection.copy_records_to_table(table, records=chunk, columns=columns)
        return records / (time.perf_counter() - started)
    finally:
        await connection.execute(f"drop table {', '.join(tables)}")
        await connection.close()


async def copies(connection: Any) -> list[str]:
    """Empty tables with the columns, defaults, keys and indexes of those that ingest writes."""
    month = datetime.now(UTC).strftime("%Y%m")
    made = []
    sources = {"raw_message": f"raw_message_p{month}", "inbox": "inbox", "event": f"event_p{month}"}
    for table, source in (sources | {"sighting": f"sighting_p{month}"}).items():
        await connection.execute(f"create table bench_{table} (like {source} including all)")
        made.append(f"bench_{table}")
    return made


def copy_rows(built: Stage, vault: Vault, records: int) -> list[tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
    """Columns and rows of the four tables, as ingest would write them."""
    area = ("county_id", "town_id", "community_id", "compound_id")
    compound = built.compounds[0]
    place = (built.county, built.county + 1, built.county + 2, compound)
    now = datetime.now(UTC)
    raw, inbox, event, sighting = [], [], [], []
    for number in range(records):
        device = built.devices[number % len(built.devices)].id
        at = now + timedelta(microseconds=number)
        said = message(number, "copy")
        body = vault.seal(orjson.dumps(said), raw_place(number), area=compound)
        raw.append((number, *place, device, at, "http", "application/json", body))
        inbox.append((compound, digest(compound, device, said["id"], vault), number, at))
        card = said["data"]["card_no"]
        columns = event_columns(vault, compound, number, said["data"] | {"subject": card})
        subject = vault.seal(card, subject_place(number), area=compound), subject_index(vault, "person", card)
        sighting.append((number, *place, at, "person", *subject, device, "in", 1, number))
        event.append((number, *place, device, "passage", at, at, at, False, False, *columns, number))
    return [
        (("id", *area, "device_id", "received_at", "channel", "content_type", "body"), raw),
        (("compound_id", "key", "event_id", "event_at"), inbox),
        (
            (
                "id",
                *area,
                "device_id",
                "kind",
                "at",
                "occurred_at",
                "received_at",
                "late",
                "clock_suspect",
                "attributes",
                "personal",
                "raw_id",
            ),
            event,
        ),
        (
            (
                "id",
                *area,
                "at",
                "subject_kind",
                "subject",
                "subject_index",
                "device_id",
                "direction",
                "reads",
                "event_id",
            ),
            sighting,
        ),
    ]


async def service_rate(built: Stage, records: int) -> float:
    """Records a second through the recorder, each producer waiting for the commit of its own record."""
    engine = create_engine(built.environment["ZHIAN_DATABASE_URL"], pool_size=4, generic_plans=True)
    recorder = Recorder(engine, DeviceDirectory(engine), await built.vault())
    await recorder.start()
    try:
        work = iter(await prepared(built, DeviceDirectory(engine), records))

        async def producer() -> None:
            for device, said in work:
                await recorder.record(device, said, channel="bench")

        started = time.perf_counter()
        await asyncio.gather(*(producer() for _ in range(PRODUCERS)))
        return records / (time.perf_counter() - started)
    finally:
        await recorder.stop()
        await engine.dispose()


async def prepared(built: Stage, directory: DeviceDirectory, records: int) -> list[tuple[DeviceRef, Message]]:
    """Parsed messages with their devices, so that only recording is measured."""
    found = [await directory.find(speaker.id) for speaker in built.devices]
    devices = [device for device in found if device is not None]
    run, out = f"service{time.monotonic_ns()}", []
    for number in range(records):
        body = orjson.dumps(message(number, run))
        parsed = registry.parse("zhian", body, content_type="application/json", topic=None, timezone=ZoneInfo("UTC"))
        assert all(isinstance(record, Observation) for record in parsed)  # noqa: S101 - or nothing is measured
        out.append((devices[number % len(devices)], Message(body, "application/json", tuple(parsed))))
    return out


def _spread(built: Stage, number: int) -> Speaker:
    return built.devices[number % len(built.devices)]


async def _sent(requests: list[bytes], built: Stage, connections: int) -> float:
    load = await http_load.run(requests, port=built.port, connections=connections)
    if load.failed:
        raise RuntimeError(f"{load.failed} of {len(requests)} requests were refused")
    return load.rate


async def empty_rate(built: Stage, requests: int) -> float:
    """Requests a second of an endpoint of the same server that only checks the credential, from as many devices."""
    return await _sent(
        [http_load.request("/devices/me", built.port, _spread(built, n).secret.credential) for n in range(requests)],
        built,
        CONNECTIONS,
    )


async def singles_rate(built: Stage, records: int, name: str) -> float:
    """Records a second, one in each request."""
    run = f"{name}{time.monotonic_ns()}"
    requests = [
        http_load.request(
            "/devices/events", built.port, _spread(built, n).secret.credential, orjson.dumps(message(n, run))
        )
        for n in range(records)
    ]
    return await _sent(requests, built, CONNECTIONS)


async def ndjson_rate(built: Stage, records: int) -> float:
    """Records a second in NDJSON bodies of a hundred."""
    run, requests = f"batch{time.monotonic_ns()}", []
    for batch in range(records // BATCH):
        body = b"\n".join(orjson.dumps(message(batch * BATCH + n, run)) for n in range(BATCH))
        token = _spread(built, batch).secret.credential
        requests.append(http_load.request("/devices/events", built.port, token, body, "application/x-ndjson"))
    return BATCH * await _sent(requests, built, BATCH_CONNECTIONS)


async def mqtt_rate(built: Stage, records: int) -> float:
    """Records a second published at QoS 1, counted when acknowledged."""
    run, each = f"mqtt{time.monotonic_ns()}", records // len(built.devices)
    devices = []
    for speaker in built.devices:
        topic = f"c/{speaker.compound_id}/d/{speaker.id}/passage"
        packets = [mqtt_load.publish(topic, n % 60_000 + 1, orjson.dumps(message(n, run))) for n in range(each)]
        devices.append((str(speaker.id), speaker.secret.credential, packets))
    return await mqtt_load.run(devices, port=built.mqtt_port)
