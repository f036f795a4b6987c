"""What is too much, too deep, empty or not what it says: never a 5xx, kept and explained, and soon over."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest

from integrations.devices.limits import BODY_BYTES
from tests.factories.ingest import Ingest

HEARTBEAT = b'{"id":"h-1","type":"heartbeat","data":{}}'
DEEP = 100_000
BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><EventNotificationAlert>&x;</EventNotificationAlert>'
BODIES: dict[str, tuple[str, bytes, str, str]] = {
    "empty json": ("zhian", b"", "application/json", "unparseable"),
    "empty ndjson": ("zhian", b"\n \n", "application/x-ndjson", "unparseable"),
    "empty hikvision": ("hikvision", b"", "application/xml", "unparseable"),
    "gzip": ("zhian", gzip.compress(HEARTBEAT), "application/json", "unparseable"),
    "deep json": ("zhian", b"[" * DEEP + b"]" * DEEP, "application/json", "unparseable"),
    "deep object": ("hikvision", b'{"a":' * DEEP + b"1" + b"}" * DEEP, "application/json", "unparseable"),
    "deep under 254 levels": ("hikvision", b"[" * 1000 + b"]" * 1000, "application/json", "unparseable"),
    "deep xml": ("hikvision", b"<a>" * DEEP + b"</a>" * DEEP, "application/xml", "too_large"),
    "xml with a dtd": ("hikvision", BOMB, "application/xml", "unparseable"),
    "form": ("zhian", b"a=1&b=2", "application/x-www-form-urlencoded", "unparseable"),
    "nul": ("zhian", b"\x00" * 100, "application/json", "unparseable"),
    "not utf-8": ("zhian", b'{"id":"\xff"}', "application/json", "unparseable"),
    "many parts": (
        "hikvision",
        b"".join(b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\n{}\r\n' % n for n in range(17)) + b"--b--",
        "multipart/form-data; boundary=b",
        "too_many",
    ),
    "no boundary": ("hikvision", b"nothing", "multipart/form-data", "unparseable"),
    "many messages": ("zhian", HEARTBEAT.join([b"[", b"]"]).replace(b"}{", b"},{"), "application/json", ""),
    "too many messages": ("zhian", b"[" + b",".join([b"1"] * 10_001) + b"]", "application/json", "too_many"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_an_odd_body_is_kept_with_the_reason(ingest: Ingest, name: str) -> None:
    vendor, body, kind, reason = BODIES[name]
    device = await ingest.device(vendor)

    answer = await ingest.push(device, body, **{"Content-Type": kind})

    assert answer.status_code == 200
    found = await ingest.quarantined()
    assert [r for r, _ in found] == ([reason] if reason else [])
    assert all(detail for _, detail in found)
    tally = await ingest.tally("http")
    assert tally["received"] == tally["stored"] + tally["quarantined"] == 1
    assert await ingest.count("raw_message") == 1
    assert (await ingest.client.get("/healthz")).text == "ok"


async def test_the_content_type_decides_nothing_that_the_body_can_say(ingest: Ingest) -> None:
    gate = await ingest.device()

    for kind in ("application/json", "text/plain", "application/octet-stream", "image/jpeg", "", "no/such; charset=x"):
        answer = await ingest.push(gate, HEARTBEAT, **{"Content-Type": kind})
        assert answer.status_code == 200
    assert (await ingest.tally())["stored"] == 6


async def parts(size: int, of: int) -> AsyncIterator[bytes]:
    for _ in range(size // of):
        yield b" " * of


@pytest.mark.parametrize("told", [True, False])
async def test_a_body_over_ten_megabytes_is_refused_and_counted(ingest: Ingest, told: bool) -> None:
    gate = await ingest.device()
    size = BODY_BYTES + (1 << 20)
    headers = gate.bearer | ({"Content-Length": str(size)} if told else {})

    answer = await ingest.client.post("/devices/events", content=parts(size, 1 << 20), headers=headers)

    assert (answer.status_code, answer.json()) == (413, {"code": "TOO_LARGE", "limit": BODY_BYTES})
    assert [reason for reason, _ in await ingest.quarantined()] == ["too_large"]
    assert await ingest.tally() == {"received": 1, "stored": 0, "duplicate": 0, "quarantined": 1, "late": 0}
    assert sum(map(len, await ingest.raw())) == 0


async def test_an_absurd_length_is_refused(ingest: Ingest) -> None:
    gate = await ingest.device()

    answer = await ingest.client.post(
        "/devices/events", content=HEARTBEAT, headers=gate.bearer | {"Content-Length": "9" * 4400}
    )

    assert answer.status_code == 413


async def test_a_body_of_exactly_ten_megabytes_is_read(ingest: Ingest) -> None:
    gate = await ingest.device()

    answer = await ingest.push(gate, HEARTBEAT + b" " * (BODY_BYTES - len(HEARTBEAT)))

    assert answer.status_code == 200
    assert (await ingest.tally())["stored"] == 1


async def test_what_the_database_refuses_costs_only_its_message(ingest: Ingest) -> None:
    gate = await ingest.device()
    bad = {"id": "b-1", "type": "camera_event", "data": {"type": "other", "detail": "a\u0000b"}}
    good = {"id": "g-1", "type": "camera_event", "data": {"type": "other", "detail": "a"}}

    answer = await ingest.client.post("/devices/events", content=json.dumps(bad).encode(), headers=gate.bearer)
    after = await ingest.say(gate, good)

    assert answer.status_code == 200
    assert after["stored"] == 1
    tally = await ingest.tally()
    assert tally["received"] == tally["stored"] + tally["quarantined"] == 2


async def test_a_large_body_of_one_device_does_not_hold_up_another(ingest: Ingest) -> None:
    slow, quick = await ingest.device(), await ingest.device()
    items = b",".join(b'{"id" :"x-%d","type":"heartbeat"}' % n for n in range(10_000))
    done: list[str] = []

    async def push(device: object, body: bytes, name: str) -> None:
        await ingest.push(device, body)  # type: ignore[arg-type]
        done.append(name)

    await ingest.push(quick, HEARTBEAT)
    await asyncio.gather(push(slow, b"[" + items + b"]", "slow"), push(quick, HEARTBEAT, "quick"))

    assert done == ["quick", "slow"]
    assert (await ingest.tally())["stored"] == 10_002
