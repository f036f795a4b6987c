"""A directory and a sink that the tests hold in their hand, the real broker, and real paho clients as devices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from domain.security.devices.observation import Rejection
from integrations.devices.mqtt.broker import DeviceBroker
from integrations.devices.mqtt.connection import Limits
from integrations.devices.mqtt.intake import Intake
from tests.factories.patience import PATIENCE


@dataclass(frozen=True)
class FakeDevice:
    id: int
    compound_id: int


class FakeDirectory:
    """Devices 1-999 of compound 3; the credential of device 7 is ``secret-7``. ``away`` makes it fail."""

    def __init__(self) -> None:
        self.away = False
        self.revoked: set[str] = set()

    async def authenticate(self, username: str, password: str) -> FakeDevice | None:
        if self.away:
            raise ConnectionError("the database is away")
        if username in self.revoked:
            return None
        known = username.isdecimal() and 0 < int(username) < 1000 and password == f"secret-{username}"
        return FakeDevice(int(username), 3) if known else None

    async def find(self, device_id: int) -> FakeDevice | None:
        if self.away:
            raise ConnectionError("the database is away")
        return FakeDevice(device_id, 3) if 0 < device_id < 1000 else None


class FakeSink:
    """Keeps what was started and what was stored; closed, nothing is stored until it opens; told to fail, it fails."""

    def __init__(self) -> None:
        self.lives = 1
        self.open = asyncio.Event()
        self.open.set()
        self.failing: set[bytes] = set()
        self.started: list[tuple[int, str, bytes]] = []
        self.stored: list[tuple[int, str, bytes]] = []
        self.rejected: list[tuple[int, str, Rejection]] = []
        self._changed = asyncio.Condition()

    async def handle(self, device: FakeDevice, message: str, payload: bytes) -> None:
        life = self.lives
        self.started.append((device.id, message, payload))
        await self._tell()
        await self.open.wait()
        if life != self.lives:
            raise ConnectionError("that process is gone")
        if payload in self.failing:
            raise ConnectionError("the commit failed")
        self.stored.append((device.id, message, payload))
        await self._tell()

    async def reject(self, device: FakeDevice, message: str, rejection: Rejection) -> None:
        self.rejected.append((device.id, message, rejection))
        await self._tell()

    def die(self) -> None:
        """Forget what is under way, as the end of the process would."""
        self.lives += 1

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, true: Callable[[], bool]) -> None:
        async with self._changed, asyncio.timeout(PATIENCE):
            await self._changed.wait_for(true)


@dataclass
class Device:
    """A paho client whose callbacks are brought to the test's loop."""

    client: Client
    loop: asyncio.AbstractEventLoop
    acknowledged: list[int] = field(default_factory=list)
    granted: list[list[int]] = field(default_factory=list)
    connects: list[int] = field(default_factory=list)
    disconnects: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def _on(self, change: Callable[[], Any]) -> None:
        def apply() -> None:
            change()
            self._changed.set()

        self.loop.call_soon_threadsafe(apply)

    def listen(self) -> None:
        def disconnected() -> None:
            self.disconnects += 1

        c = self.client
        c.on_connect = lambda _c, _u, _f, code, _p: self._on(lambda: self.connects.append(code.value))
        c.on_publish = lambda _c, _u, mid, _r, _p: self._on(lambda: self.acknowledged.append(mid))
        c.on_subscribe = lambda _c, _u, _m, codes, _p: self._on(lambda: self.granted.append([x.value for x in codes]))
        c.on_disconnect = lambda *_: self._on(disconnected)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    def publish(self, message: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        return self.client.publish(message, payload, qos=qos, retain=retain).mid

    async def stop(self) -> None:
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)


Connect = Callable[..., Awaitable[Device]]


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory()


@pytest.fixture
async def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
async def broker(directory: FakeDirectory, sink: FakeSink, limits: Limits) -> AsyncIterator[DeviceBroker]:
    broker = DeviceBroker("127.0.0.1", 0, directory=directory, intake=Intake(sink), limits=limits)
    await broker.start()
    yield broker
    sink.open.set()
    await broker.close()


@pytest.fixture
async def connect(broker: DeviceBroker) -> AsyncIterator[Connect]:
    """``await connect(7)``: device 7 as a paho client, logged in (or refused: see ``connects``)."""
    devices: list[Device] = []

    async def start(
        username: object = 7,
        password: str | None = None,
        *,
        client_id: str = "unit",
        will: tuple[str, bytes] | None = None,
    ) -> Device:
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
        if username is not None:
            client.username_pw_set(str(username), f"secret-{username}" if password is None else password)
        if will is not None:
            client.will_set(*will, qos=1)
        client.max_inflight_messages_set(0)
        client.reconnect_delay_set(1, 1)
        device = Device(client, asyncio.get_running_loop())
        device.listen()
        devices.append(device)
        client.connect_async("127.0.0.1", broker.listening_port, keepalive=60)
        client.loop_start()
        await device.until(lambda: bool(device.connects))
        return device

    yield start
    for device in devices:
        await device.stop()
