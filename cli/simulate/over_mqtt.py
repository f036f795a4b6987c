"""Publishing over MQTT at QoS 1: one connection per device, and a wait for each PUBACK."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Self

from gmqtt import Client
from gmqtt.mqtt.constants import MQTTv311
from gmqtt.storage import PersistentStorage

from cli.simulate.shot import Shot

TIMEOUT_SECONDS: Final = 30.0
ACKNOWLEDGED: Final = "PUBACK"


class _InFlight:
    """gmqtt's store of unacknowledged messages, which is the one place that learns of a PUBACK."""

    def __init__(self) -> None:
        self._kept = PersistentStorage()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self.latest: asyncio.Future[None] | None = None

    def push_message(self, mid: int, package: bytes) -> None:
        """A message has left."""
        self._kept.push_message(mid, package)
        self.latest = self._waiting[mid] = asyncio.get_running_loop().create_future()

    def remove_message_by_mid(self, mid: int) -> None:
        """Its PUBACK came."""
        self._kept.remove_message_by_mid(mid)
        waiting = self._waiting.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)


class _Line:
    """One device's connection."""

    def __init__(self, number: int, credential: str) -> None:
        self._in_flight = _InFlight()
        self._client: Any = Client(
            f"simulate-{number}", clean_session=True, persistent_storage=self._in_flight, logger=None
        )
        self._client.set_auth_credentials(str(number), credential)

    async def connect(self, host: str, port: int) -> None:
        """Connect; gmqtt reconnects by itself afterwards, and sends again what was not acknowledged."""
        await self._client.connect(host, port, keepalive=30, version=MQTTv311)

    async def publish(self, topic: str, body: bytes) -> None:
        """Publish and wait for the PUBACK."""
        self._client.publish(topic, body, qos=1)
        waiting = self._in_flight.latest
        assert waiting is not None  # noqa: S101 - QoS 1 is stored before publish returns
        await waiting

    async def close(self) -> None:
        """Disconnect."""
        await self._client.disconnect()


class MqttSender:
    """Publishes shots to the broker at ``host``:``port``."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._lines: dict[int, asyncio.Task[_Line]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for opening in self._lines.values():
            opening.cancel()
            outcome = (await asyncio.gather(opening, return_exceptions=True))[0]
            if isinstance(outcome, _Line):
                await outcome.close()

    async def send(self, shot: Shot) -> str:
        """Publish the shot; "PUBACK", or the name of what went wrong."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                line = await self._line(shot)
                await line.publish(shot.thing.mqtt_prefix + shot.topic, shot.body)
        except Exception as error:  # noqa: BLE001 - told in the summary; gmqtt raises errors of its own kinds
            return type(error).__name__
        return ACKNOWLEDGED

    async def _line(self, shot: Shot) -> _Line:
        """The device's connection, opened once; one that failed is tried anew by the next message."""
        number = shot.thing.number
        opening = self._lines.get(number)
        if opening is None or (opening.done() and (opening.cancelled() or opening.exception() is not None)):
            opening = self._lines[number] = asyncio.create_task(self._open(number, shot.thing.credential))
        return await asyncio.shield(opening)

    async def _open(self, number: int, credential: str) -> _Line:
        line = _Line(number, credential)
        await line.connect(self._host, self._port)
        return line
