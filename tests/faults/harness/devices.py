"""Devices as ``docs/devices.md`` wants them: the same bytes until they are acknowledged, in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.faults.harness import mqtt
from tests.faults.harness.ledger import Ledger, Message

RETRIES = (5.0, 15.0, 30.0, 60.0)
ANSWER_SECONDS = 3.0
REPEATS = 0.03
WINDOW = 3
TRY_AGAIN = (429, 500, 502, 503, 504)


@dataclass
class Load:
    """What all devices share. haste: how much faster than documented they try again. ending: nothing new is said."""

    ledger: Ledger
    haste: float
    ending: bool = False

    def pause_after(self, failures: int) -> float:
        """Seconds before the next attempt."""
        return RETRIES[min(failures, len(RETRIES) - 1)] / self.haste


@dataclass
class HttpDevice:
    """Posts one body at a time. every: seconds between messages."""

    load: Load
    url: str
    credential: str
    content_type: str
    every: float
    make: Callable[[], Message]
    rng: random.Random

    async def run(self) -> None:
        """Say things until the load ends, and be heard with all of them."""
        headers = {"Authorization": f"Bearer {self.credential}", "Content-Type": self.content_type}
        async with httpx.AsyncClient(headers=headers, timeout=ANSWER_SECONDS) as client:
            while not self.load.ending:
                message = self.load.ledger.add(self.make())
                await self._deliver(client, message)
                if self.rng.random() < REPEATS:
                    await self._deliver(client, message)
                await asyncio.sleep(self.every * self.rng.uniform(0.5, 1.5))

    async def _deliver(self, client: httpx.AsyncClient, message: Message) -> None:
        failures = 0
        while not await self._post(client, message):
            await asyncio.sleep(self.load.pause_after(failures))
            failures += 1

    async def _post(self, client: httpx.AsyncClient, message: Message) -> bool:
        message.attempts += 1
        try:
            answer = await client.post(self.url, content=message.body)
        except httpx.TransportError:
            return False
        if answer.status_code == 200:
            message.acknowledged = True
        elif answer.status_code not in TRY_AGAIN:
            self.load.ledger.refusals.append(f"HTTP {answer.status_code} for device {message.device}")
        return message.acknowledged


@dataclass
class MqttDevice:
    """Publishes at QoS 1, ``window`` messages at once; after any break all unacknowledged ones again."""

    load: Load
    address: tuple[str, int]
    user: str
    credential: str
    topic: str
    every: float
    make: Callable[[], Message]
    rng: random.Random
    window: int = WINDOW
    _pending: dict[int, Message] = field(default_factory=dict)
    _packet: int = 0
    _heard: float = 0.0

    async def run(self) -> None:
        """Say things until the load ends, and be heard with all of them."""
        failures = 0
        while self._pending or not self.load.ending:
            heard = self._heard
            try:
                await self._session()
            except (OSError, EOFError, TimeoutError):
                failures = failures + 1 if self._heard == heard else 0
                await asyncio.sleep(self.load.pause_after(failures))
            except mqtt.Refused as refused:
                if refused.code != mqtt.TRY_LATER:
                    self.load.ledger.refusals.append(f"MQTT CONNACK {refused.code} for device {self.user}")
                failures += 1
                await asyncio.sleep(self.load.pause_after(failures))

    async def _session(self) -> None:
        loop = asyncio.get_running_loop()
        async with mqtt.connected(self.address, self.user, self.credential, ANSWER_SECONDS) as client:
            for packet, message in self._pending.items():
                self._publish(client, packet, message, again=True)
            waiting_since = loop.time()
            acks = asyncio.create_task(self._read_acks(client))
            try:
                while self._pending or not self.load.ending:
                    if not self._pending:
                        waiting_since = loop.time()
                    while not self.load.ending and len(self._pending) < self.window:
                        self._say(client)
                    await client.drain()
                    await asyncio.wait({acks}, timeout=self.every * self.rng.uniform(0.5, 1.5))
                    if acks.done():
                        acks.result()
                    if self._pending and loop.time() - max(waiting_since, self._heard) > ANSWER_SECONDS:
                        raise TimeoutError
            finally:
                acks.cancel()
                await asyncio.gather(acks, return_exceptions=True)

    def _say(self, client: mqtt.Client) -> None:
        while True:
            self._packet = self._packet % 65_535 + 1
            if self._packet not in self._pending:
                break
        message = self._pending[self._packet] = self.load.ledger.add(self.make())
        self._publish(client, self._packet, message, again=False)

    def _publish(self, client: mqtt.Client, packet: int, message: Message, *, again: bool) -> None:
        message.attempts += 1
        client.publish(self.topic, message.body, packet, again=again)

    async def _read_acks(self, client: mqtt.Client) -> None:
        while True:
            message = self._pending.pop(await client.acknowledged(), None)
            if message is not None:
                message.acknowledged = True
                self._heard = asyncio.get_running_loop().time()
