"""From a PUBLISH to the sink: the device may publish there, then it is stored, then it may be acknowledged."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import structlog

from domain.security.devices.directory import DeviceRef
from domain.security.devices.observation import Reason, Rejection
from integrations.devices.mqtt.packets import Publish
from integrations.devices.mqtt.ports import Sink
from integrations.devices.mqtt.topics import message_for

log = structlog.get_logger(__name__)


class Intake:
    """Counts and passes on. ``counts``: messages by what became of them; ``tasks``: what is under way.

    What is under way survives its connection: a QoS 0 message sent just before a disconnect is stored too.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.counts: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work``; works are started in the order of these calls."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drain(self, seconds: float) -> None:
        """Let what is under way finish; cut it off after ``seconds`` (unacknowledged: the device sends again)."""
        tasks = list(self._tasks)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def take(self, device: DeviceRef, publish: Publish) -> None:
        """Store a message. Returns when it may be acknowledged, raises when it may not.

        What can never be taken, a topic that is not the device's own, is counted, logged and acknowledged: otherwise
        the device would send it for ever and nothing after it.
        """
        message = message_for(device, publish.topic)
        if message is None:
            self.refuse(device, "topic", topic=publish.topic[:200])
            return
        self.counts["received"] += 1
        await self._sink.handle(device, message, publish.payload)
        self.counts["stored"] += 1

    async def take_oversize(self, device: DeviceRef, publish: Publish, size: int) -> None:
        """Store that a message over the limit came; its bytes are not kept."""
        self.refuse(device, "size", size=size)
        message = message_for(device, publish.topic)
        if message is not None:
            await self._sink.reject(device, message, Rejection(Reason.TOO_LARGE, f"MQTT packet of {size} bytes"))

    def refuse(self, device: DeviceRef, reason: str, **facts: object) -> None:
        """Count and log a refusal."""
        self.counts[f"refused_{reason}"] += 1
        log.warning("mqtt.refused", device=device.id, reason=reason, **facts)
