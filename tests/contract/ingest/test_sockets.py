"""Byte for byte over real sockets: collected requests, bodies in pieces, bodies without end, half bodies."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from integrations.devices.limits import BODY_BYTES
from tests.contract.ingest.collected import COLLECTED, Collected, needed
from tests.factories.ingest import Ingest
from tests.factories.patience import PATIENCE
from tests.factories.processes import served

REQUESTS = [message for message in COLLECTED if message.name.endswith(".http")]


@pytest.fixture
async def port(ingest: Ingest) -> AsyncIterator[int]:
    async with served(ingest.app) as port:
        yield port


async def response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one answer."""
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return int(head.split()[1]), await reader.readexactly(int(length[1]) if length else 0)


@needed
@pytest.mark.parametrize("message", REQUESTS, ids=[message.name for message in REQUESTS])
@pytest.mark.parametrize("piece", [1 << 20, 97])
async def test_a_collected_request_is_taken_as_it_was_sent(
    ingest: Ingest, port: int, message: Collected, piece: int
) -> None:
    device = await ingest.device("hikvision")
    line, _, rest = message.content.partition(b"\r\n")
    request = b"POST " + device.path.encode() + b" HTTP/1.1\r\n" + rest
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    for start in range(0, len(request), piece):
        writer.write(request[start : start + piece])
        await writer.drain()
    status, body = await response(reader)
    writer.close()
    await writer.wait_closed()

    assert line.startswith(b"POST ")
    assert (status, b"success" in body) == (200, False)
    assert [event["kind"] for event in await ingest.events()] == list(message.becomes)
    assert await ingest.quarantined() == []


async def test_pushes_follow_each_other_on_one_connection(ingest: Ingest, port: int) -> None:
    device = await ingest.device("hikvision")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"eventType":"heartBeat"}'
    request = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (device.path.encode(), len(body), body)

    writer.write(request * 3)
    statuses = [(await response(reader))[0] for _ in range(3)]
    writer.close()
    await writer.wait_closed()

    assert statuses == [200] * 3
    assert (await ingest.tally())["stored"] == 3


async def test_a_device_that_asks_before_it_sends_is_told_to_go_on(ingest: Ingest, port: int) -> None:
    device = await ingest.device("hikvision")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {device.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\nExpect: 100-continue\r\n\r\n"

    writer.write(head.encode())
    async with asyncio.timeout(PATIENCE):
        told = await reader.readuntil(b"\r\n\r\n")
    writer.write(b'{"eventType":"heartBeat"}')

    assert told.startswith(b"HTTP/1.1 100")
    assert (await response(reader))[0] == 200
    writer.close()
    await writer.wait_closed()


async def test_a_body_without_end_is_cut_at_the_limit(ingest: Ingest, port: int) -> None:
    device = await ingest.device()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST {device.path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    answered = asyncio.create_task(response(reader))

    sent = 0
    while not answered.done() and sent < 3 * BODY_BYTES:
        try:
            writer.write(chunk)
            await writer.drain()
        except ConnectionError:
            break
        sent += 65536

    assert (await answered)[0] == 413
    assert [reason for reason, _ in await ingest.quarantined()] == ["too_large"]
    writer.transport.abort()


async def test_half_a_body_is_no_message(ingest: Ingest, port: int) -> None:
    device = await ingest.device()
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"id":"h","type":"heartbeat"}'
    writer.write(f"POST {device.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    said = await ingest.say(device, {"id": "after", "type": "heartbeat"})

    assert said["stored"] == 1
    assert (await ingest.tally())["received"] == 1


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00", b"LLRP" * 9 + b"\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"])
async def test_what_is_not_http_ends_the_connection_only(ingest: Ingest, port: int, garbage: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(garbage)
    writer.write_eof()

    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer[:12] in (b"", b"HTTP/1.1 400")
    assert (await ingest.client.get("/healthz")).status_code == 200
