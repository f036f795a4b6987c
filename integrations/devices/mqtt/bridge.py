"""The client of an outside broker: acknowledges to it when the sink has committed.

gmqtt acknowledges by itself when it speaks MQTT 3.1.1, whatever it is told, and falls back to that when a broker
refuses MQTT 5. So: MQTT 5 only, and a broker that cannot speak it is refused at start-up. A ``gmqtt.Client`` serves one
connection and is thrown away with it: an acknowledgement never goes to a later connection, where its packet id could
mean another message.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import structlog
from gmqtt import Client, Subscription
from gmqtt.mqtt.constants import MQTTv50
from gmqtt.mqtt.handler import MQTTConnectError

from integrations.devices.mqtt.ports import DeviceDirectory, Sink
from integrations.devices.mqtt.topics import UPLINK_FILTER, is_downlink, read_topic

log = structlog.get_logger(__name__)

_PERMANENT: Final = frozenset({1, 2, 4, 5, 128, 129, 130, 132, 133, 134, 135, 138, 140, 149, 153, 154, 155, 156, 157})
_NEVER_RECONNECT: Final = {"reconnect_retries": -2}  # gmqtt reconnects while failures <= retries, and -1 is for ever
_RETAINED_NEVER: Final = 2
_SHARDS: Final = 64


class BrokerRefused(Exception):
    """The outside broker cannot be used as it is set up; trying again will not help."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """``mqtt[s]://user:password@host:port/?client_id=zhian&share=group``.

    client_id: fixed, so that the broker keeps the session; each process needs its own. share: the group of a shared
    subscription, when several processes take messages of one broker.
    """

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None
    client_id: str
    share: str | None

    @classmethod
    def read(cls, url: str) -> BrokerAddress:
        """Read the setting. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("an MQTT broker is mqtt://host:port or mqtts://host:port")
        tls = parts.scheme == "mqtts"
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return cls(
            host=parts.hostname,
            port=parts.port or (8883 if tls else 1883),
            tls=tls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            client_id=options.get("client_id", "zhian-ingest"),
            share=options.get("share"),
        )

    @property
    def topic_filter(self) -> str:
        """What is subscribed to."""
        return f"$share/{self.share}/{UPLINK_FILTER}" if self.share else UPLINK_FILTER


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. settle: for what is under way at the end. session: the broker keeps messages while we are away."""

    connect: float = 10.0
    settle: float = 5.0
    first_retry: float = 1.0
    longest_retry: float = 30.0
    session: int = 7 * 86400


class Bridge:
    """Takes messages from an outside broker until cancelled. ``counts``: messages by what became of them."""

    def __init__(
        self, address: BrokerAddress, *, directory: DeviceDirectory, sink: Sink, patience: Patience | None = None
    ) -> None:
        self._address = address
        self._directory = directory
        self._sink = sink
        self._patience = patience or Patience()
        self.counts: Counter[str] = Counter()
        self.subscribed = asyncio.Event()
        self._locks = [asyncio.Lock() for _ in range(_SHARDS)]

    async def run(self) -> None:
        """Connect, take messages, reconnect. Raises BrokerRefused, and OSError when there is no broker at the start."""
        pause, first = self._patience.first_retry, True
        while True:
            session = _Session(self, self._address, self._patience)
            try:
                await session.run(self.subscribed)
                first = False
            except (OSError, TimeoutError, MQTTConnectError) as error:
                if first:
                    raise
                log.warning("mqtt.broker_away", error=str(error), retry_seconds=pause)
            finally:
                self.subscribed.clear()
                await session.settle()
                await session.close()
            if session.useful:
                pause = self._patience.first_retry
            await asyncio.sleep(pause)
            pause = min(2 * pause, self._patience.longest_retry)

    async def take(self, topic: str, payload: bytes) -> None:
        """Store one message. Returns when it may be acknowledged, raises when it may not.

        The outside broker has checked that the sender may publish under its topic; here the device must exist. What can
        never be taken is counted, logged and acknowledged, so that it does not block what follows.
        """
        if is_downlink(topic):
            return
        place = read_topic(topic)
        if place is None:
            self._refuse("topic", topic)
            return
        lock = self._locks[place.device_id % _SHARDS]
        async with lock:  # look-ups may overtake each other; messages of a device may not
            device = await self._directory.find(place.device_id)
        if device is None or device.compound_id != place.compound_id:
            self._refuse("device", topic)
            return
        self.counts["received"] += 1
        await self._sink.handle(device, place.message, payload)
        self.counts["stored"] += 1

    def _refuse(self, reason: str, topic: str) -> None:
        self.counts[f"refused_{reason}"] += 1
        log.warning("mqtt.refused", reason=reason, topic=topic[:200])


class _Overtaking(Exception):
    """A message ahead of this one was not stored: both come again, in order."""


class _Session:
    """One connection to the broker. ``useful``: it stored something."""

    def __init__(self, bridge: Bridge, address: BrokerAddress, patience: Patience) -> None:
        self._bridge = bridge
        self._address = address
        self._patience = patience
        self._lost = asyncio.Event()
        self._granted: asyncio.Future[tuple[int, ...]] = asyncio.get_running_loop().create_future()
        self._tail: asyncio.Future[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._working: set[asyncio.Task[None]] = set()
        self._failed = False
        self.useful = False
        self._client: Any = Client(
            address.client_id,
            clean_session=False,
            optimistic_acknowledgement=False,
            session_expiry_interval=patience.session,
            receive_maximum=500,
            maximum_packet_size=1024 * 1024,
        )
        self._client.set_config(_NEVER_RECONNECT)
        if address.username:
            self._client.set_auth_credentials(address.username, address.password)
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect

    async def run(self, subscribed: asyncio.Event) -> None:
        """Serve until the connection ends. Raises BrokerRefused, OSError, TimeoutError, MQTTConnectError."""
        address = self._address
        await self._within(self._connect())
        filters = Subscription(address.topic_filter, qos=1, retain_handling_options=_RETAINED_NEVER)
        self._client.subscribe(filters)
        granted = await self._within(self._granted)
        if granted != (1,):
            raise BrokerRefused(f"the broker granted {granted} for {address.topic_filter} at QoS 1")
        log.info("mqtt.subscribed", host=address.host, port=address.port, filter=address.topic_filter)
        subscribed.set()
        await self._lost.wait()

    async def _connect(self) -> None:
        address = self._address
        try:
            await self._client.connect(address.host, address.port, ssl=address.tls, keepalive=30, version=MQTTv50)
        except MQTTConnectError as error:
            if error._code in _PERMANENT:  # noqa: SLF001  # gmqtt tells the reason nowhere else
                raise BrokerRefused(str(error)) from error
            raise

    async def _within(self, step: Any) -> Any:
        """Wait for ``step``, at most as long as the connection lasts and patience holds."""
        work, lost = asyncio.ensure_future(step), asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({work, lost}, timeout=self._patience.connect, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if self._client._connection_state.protocol_version != MQTTv50:  # noqa: SLF001  # set on a refusal only
                raise BrokerRefused("the broker does not speak MQTT 5")
            raise ConnectionResetError("the broker closed the connection") if lost.done() else TimeoutError
        finally:
            work.cancel()
            lost.cancel()
            await asyncio.gather(work, lost, return_exceptions=True)

    async def settle(self) -> None:
        """Let what has arrived be stored and acknowledged, if that is still possible."""
        if self._tail is not None and self._closing is None and not self._lost.is_set():
            await asyncio.wait({self._tail}, timeout=self._patience.settle)

    async def close(self) -> None:
        """End the connection; what was not acknowledged comes again on the next one."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._disconnect())
        await asyncio.shield(self._closing)

    async def _disconnect(self) -> None:
        try:
            async with asyncio.timeout(self._patience.connect):
                await self._client.disconnect()
        except (OSError, TimeoutError) as error:
            log.info("mqtt.disconnect", error=str(error))
        self._lost.set()

    async def _on_message(self, _client: Any, topic: str, payload: bytes, _qos: int, _properties: Any) -> int:
        """gmqtt acknowledges when this returns, so on a failure it returns only after the connection is closed.

        A client acknowledges in the order of arrival (MQTT-4.6.0-2) although commits may not come in that order.
        """
        before, mine = self._tail, asyncio.get_running_loop().create_future()
        self._tail = mine
        try:
            await self._take(topic, payload)
            self.useful = True
        except _Overtaking:
            await self.close()
        except Exception:
            self._bridge.counts["failed"] += 1
            log.exception("mqtt.not_stored", topic=topic[:200])
            await self.close()
        try:
            if before is not None:
                await before
        finally:
            mine.set_result(None)
        return 0

    async def _take(self, topic: str, payload: bytes) -> None:
        """Store a message. Raises _Overtaking, with nothing stored, when one before it could not be."""
        if self._failed:
            raise _Overtaking
        working = asyncio.create_task(self._store(topic, payload))
        self._working.add(working)
        try:
            await asyncio.wait({working})
            if working.cancelled():
                raise _Overtaking
            working.result()
        finally:
            working.cancel()
            self._working.discard(working)

    async def _store(self, topic: str, payload: bytes) -> None:
        try:
            await self._bridge.take(topic, payload)
        except Exception:
            self._failed = True
            for working in self._working - {asyncio.current_task()}:
                working.cancel()
            raise

    def _on_subscribe(self, _client: Any, _mid: int, granted: tuple[int, ...], _properties: Any) -> None:
        if not self._granted.done():
            self._granted.set_result(tuple(granted))

    def _on_disconnect(self, *_: Any) -> None:
        self._lost.set()
