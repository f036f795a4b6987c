"""When a commit fails, its callers can take back what they sent behind it before that is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.security.devices.directory import DeviceDirectory, DeviceRef
from domain.security.devices.observation import Message
from domain.security.events.flush import Flushed
from domain.security.events.recorder import Recorder
from domain.security.events.rows import Submission
from tests.factories.vault import MemoryVault

HERE = DeviceRef(1, 1, 1, 1, 1, None, "zhian", "gate", "", "", "", None, "Asia/Shanghai")


async def test_what_a_caller_cancels_after_a_failure_is_not_stored(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[list[bytes]] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def flush(_: Recorder, batch: Sequence[Submission], __: Any) -> Flushed:
        flushed.append([submission.message.body for submission in batch])
        if len(flushed) == 1:
            begun.set()
            await go_on.wait()
            raise ConnectionError("the database is away")
        return Flushed()

    monkeypatch.setattr(Recorder, "_flush", flush)
    recorder = Recorder(engine, DeviceDirectory(engine), MemoryVault())
    await recorder.start()

    def send(body: bytes) -> asyncio.Task[Any]:
        return asyncio.create_task(recorder.record(HERE, Message(body, "", ()), channel="mqtt"))

    first = send(b"first")
    await begun.wait()
    behind, other = send(b"behind"), send(b"of somebody else")
    first.add_done_callback(lambda _: behind.cancel())
    go_on.set()
    await asyncio.wait({first, behind, other})
    await recorder.stop()

    assert isinstance(first.exception(), ConnectionError)
    assert behind.cancelled()
    assert flushed == [[b"first"], [b"of somebody else"]]
