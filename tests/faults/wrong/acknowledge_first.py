"""Answers the device when its message is queued, and commits later."""

from __future__ import annotations

import asyncio

from domain.security.devices.directory import DeviceRef
from domain.security.devices.observation import Message
from domain.security.events.recorder import Outcome, Recorder

UNDER_WAY: set[asyncio.Task[Outcome]] = set()


def before_the_tree() -> None:
    """The servers are as they should be."""


def in_process() -> None:
    """Record in the background."""
    record = Recorder.record

    async def record_later(
        self: Recorder,
        device: DeviceRef,
        message: Message,
        *,
        channel: str,
        sources: dict[str, DeviceRef | None] | None = None,
    ) -> Outcome:
        task = asyncio.create_task(record(self, device, message, channel=channel, sources=sources))
        UNDER_WAY.add(task)
        task.add_done_callback(_forget)
        return Outcome(self._submission(device, message, channel, sources or {}).counts, ())

    Recorder.record = record_later  # type: ignore[method-assign]


def _forget(task: asyncio.Task[Outcome]) -> None:
    UNDER_WAY.discard(task)
    if not task.cancelled():
        task.exception()
