"""The queue of one connection: order, bounds, what is sent without a task and what is finished by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api.execution.outgoing import Outgoing
from tests.factories.patience import PATIENCE


class Peer:
    """Takes frames while ``writable``; ``broken`` is raised instead."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.writable = asyncio.Event()
        self.writable.set()
        self.broken: Exception | None = None
        self.overflows = 0

    async def write(self, text: str) -> None:
        if self.broken is not None:
            raise self.broken
        await self.writable.wait()
        self.got.append(text)

    def overflowed(self) -> None:
        self.overflows += 1


@asynccontextmanager
async def sending(peer: Peer, **options: Any) -> AsyncIterator[Outgoing]:
    out = Outgoing(peer.write, overflowed=peer.overflowed, **{"capacity": 4, **options})
    task = asyncio.create_task(out.run())
    await asyncio.sleep(0)
    yield out
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_peer_with_room_has_the_frame_before_put_returns() -> None:
    peer = Peer()
    async with sending(peer) as out:
        out.put("a", "b", "c")
        assert peer.got == ["abc"]
        assert out.blocked_since is None


async def test_frames_stay_in_order_when_the_peer_stops_and_goes_on() -> None:
    peer = Peer()
    async with sending(peer) as out:
        peer.writable.clear()
        for text in "abc":
            out.put(text)
        assert peer.got == []
        assert out.blocked_since is not None
        peer.writable.set()
        out.put("d")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert peer.got == list("abcd")
        assert out.blocked_since is None
        out.put("e")
        assert peer.got == list("abcde")


async def test_overflow_is_told_and_room_is_half() -> None:
    peer = Peer()
    async with sending(peer) as out:
        peer.writable.clear()
        for text in "abcde":  # one being sent, four waiting
            out.put(text)
        assert peer.overflows == 0
        out.put("f")
        assert peer.overflows == 1
        room = asyncio.create_task(out.room())
        await asyncio.sleep(0)
        assert not room.done()
        peer.writable.set()
        await room
        assert peer.got[0] == "a"


async def test_frames_of_an_ended_operation_are_not_sent() -> None:
    class Operation:
        ended = False

    peer, operation = Peer(), Operation()
    async with sending(peer) as out:
        peer.writable.clear()
        out.put("a")
        out.put("b", owner=operation)
        out.put("c")
        operation.ended = True
        peer.writable.set()
        await out.room()
        await asyncio.sleep(0.01)
        out.put("d", owner=operation)
        await asyncio.sleep(0.01)
        assert peer.got == ["a", "c"]


@pytest.mark.parametrize("error", [ConnectionResetError(), RuntimeError("already closed")])
@pytest.mark.parametrize("later", [False, True])
async def test_a_peer_that_is_gone_is_not_the_senders_trouble(error: Exception, later: bool) -> None:
    peer = Peer()
    async with sending(peer) as out:
        if later:
            peer.writable.clear()
            out.put("a")
            out.put("b")
        peer.broken = error
        out.put("c")
        peer.writable.set()
        await asyncio.sleep(0.01)
        out.put("d")
        assert peer.got in ([], ["a"])
        assert out.blocked_since is None


async def test_a_send_that_was_begun_can_be_cancelled() -> None:
    peer = Peer()
    async with sending(peer) as out:
        peer.writable.clear()
        out.put("a")
        await asyncio.sleep(0)  # the task has taken it over
    peer.writable.set()
    await asyncio.sleep(0)
    assert peer.got == []


async def test_quiet_connections_say_something() -> None:
    peer = Peer()
    async with sending(peer, idle=(0.01, ":")):
        async with asyncio.timeout(PATIENCE):
            while len(peer.got) < 2:  # noqa: ASYNC110 - what beats has no event
                await asyncio.sleep(0.005)
    assert set(peer.got) == {":"}
