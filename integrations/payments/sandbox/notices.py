"""What the vendors send by themselves: again and again at growing distances, until it is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx
import structlog

from domain.kernel.clock import Clock

log = structlog.get_logger(__name__)

SECONDS: Final = 5.0
WECHAT_WAITS: Final = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ALIPAY_WAITS: Final = (240, 600, 600, 3600, 7200, 21600, 54000)

Sealed = tuple[dict[str, str], bytes]


@dataclass(slots=True)
class Delivery:
    """One notification. make: headers and body, signed anew for each try. accepted: of the answer's status and body."""

    url: str
    make: Callable[[datetime], Sealed]
    accepted: Callable[[int, bytes], bool]
    waits: Sequence[int]
    due: datetime
    tries: int = 0


class Notifier:
    """Sends what is due. ``client`` is the caller's."""

    def __init__(self, client: httpx.AsyncClient, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._added = asyncio.Event()
        self.waiting: list[Delivery] = []

    def add(self, delivery: Delivery) -> None:
        """Send ``delivery`` soon."""
        self.waiting.append(delivery)
        self._added.set()

    async def deliver(self) -> int:
        """Send everything that is due now; how many were sent. What is refused waits for its next time."""
        now = self._clock()
        due = [delivery for delivery in self.waiting if delivery.due <= now]
        await asyncio.gather(*(self._send(delivery, now) for delivery in due))
        return len(due)

    async def run(self) -> None:
        """Send what gets due, until cancelled."""
        while True:
            await self.deliver()
            self._added.clear()
            dues = [delivery.due for delivery in self.waiting]
            seconds = max(0.05, (min(dues) - self._clock()).total_seconds()) if dues else None
            try:
                async with asyncio.timeout(seconds):
                    await self._added.wait()
            except TimeoutError:
                continue

    async def _send(self, delivery: Delivery, now: datetime) -> None:
        headers, body = delivery.make(now)
        try:
            answer = await self._client.post(delivery.url, content=body, headers=headers, timeout=SECONDS)
            status, said = answer.status_code, answer.content[:1024]
        except httpx.HTTPError as error:
            status, said = 0, type(error).__name__.encode()
        if delivery.accepted(status, said):
            self.waiting.remove(delivery)
            return
        log.warning("sandbox.notice_refused", status=status, tries=delivery.tries + 1)
        if delivery.tries >= len(delivery.waits):
            self.waiting.remove(delivery)
            return
        delivery.due = now + timedelta(seconds=delivery.waits[delivery.tries])
        delivery.tries += 1
