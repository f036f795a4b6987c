"""How long we wait for a body, and how many pushes of one device may be under way: the rest is told to come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.devices import DevicePush
from integrations.devices.limits import PUSHES_AT_ONCE
from tests.factories.ingest import Ingest, Speaker

HEARTBEAT = b'{"id":"h-%d","type":"heartbeat","data":{}}'


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies must be there at once. Before ``ingest`` in a test's arguments."""
    made = DevicePush.__init__

    def quick(self: DevicePush, *arguments: Any) -> None:
        made(self, *arguments, body_seconds=0.05)

    monkeypatch.setattr(DevicePush, "__init__", quick)


async def test_a_body_that_dawdles_is_given_up_and_nothing_is_stored(impatient: None, ingest: Ingest) -> None:
    gate = await ingest.device()
    released = asyncio.Event()

    async def dawdling() -> AsyncIterator[bytes]:
        yield b'{"id":"h-1",'
        await released.wait()
        yield b'"type":"heartbeat"}'

    answer = await ingest.client.post("/devices/events", content=dawdling(), headers=gate.bearer)

    assert (answer.status_code, answer.json()["code"]) == (408, "TOO_SLOW")
    assert answer.headers["connection"] == "close"
    assert await ingest.count("raw_message") == 0
    assert (await ingest.say(gate, {"id": "h-1", "type": "heartbeat", "data": {}}))["stored"] == 1


async def test_one_device_holds_so_many_pushes_and_the_others_go_on(ingest: Ingest) -> None:
    greedy, other = await ingest.device(), await ingest.device()
    released = asyncio.Event()
    begun = asyncio.Semaphore(0)

    async def held(number: int) -> AsyncIterator[bytes]:
        begun.release()
        await released.wait()
        yield HEARTBEAT % number

    def push(speaker: Speaker, content: Any) -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(ingest.client.post("/devices/events", content=content, headers=speaker.bearer))

    pushes = [push(greedy, held(number)) for number in range(PUSHES_AT_ONCE)]
    for _ in pushes:
        await begun.acquire()
    refused = await push(greedy, HEARTBEAT % 99)
    heard = await push(other, HEARTBEAT % 99)
    released.set()
    answers = await asyncio.gather(*pushes)
    again = await push(greedy, HEARTBEAT % 99)

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert refused.json() == {"code": "RATE_LIMITED", "limit": PUSHES_AT_ONCE}
    assert heard.status_code == again.status_code == 200
    assert {answer.status_code for answer in answers} == {200}
    assert (await ingest.tally())["stored"] == PUSHES_AT_ONCE + 2
