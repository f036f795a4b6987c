"""The embedded broker: amqtt's listener and sessions, with our own door.

amqtt takes a session over, or clears it, before it has checked the password, and shares client ids between users. Here
a connection is nobody until its credential is proven, sessions are named by device, topics are the device's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.session import Session

from domain.security.devices.directory import DeviceRef
from integrations.devices.mqtt import packets
from integrations.devices.mqtt.connection import DeviceConnection, Limits
from integrations.devices.mqtt.flow import TokenBucket, Window
from integrations.devices.mqtt.intake import Intake
from integrations.devices.mqtt.packets import Malformed, Publish, WrongVersion
from integrations.devices.mqtt.ports import DeviceDirectory
from integrations.devices.mqtt.topics import may_subscribe, message_for

log = structlog.get_logger(__name__)

_NOT_SUBSCRIBED = 0x80


class DeviceBroker(Broker):  # type: ignore[misc]  # amqtt is untyped
    """A broker that devices publish to. ``port`` 0 takes any free one; ``listening_port`` says which."""

    def __init__(
        self, host: str, port: int, *, directory: DeviceDirectory, intake: Intake, limits: Limits | None = None
    ) -> None:
        listener = {"type": "tcp", "bind": f"{host}:{port}", "max_connections": -1}
        super().__init__({"listeners": {"default": listener}, "plugins": {}, "session_expiry_interval": 86400})
        self._directory = directory
        self.intake = intake
        self._limits = limits or Limits()
        self._shared = Window(self._limits.window_all)
        self._buckets: dict[int, TokenBucket] = {}
        self._clients: dict[int, set[str]] = {}
        self._open: set[asyncio.Task[Any]] = set()

    @property
    def listening_port(self) -> int:
        """The TCP port in use."""
        port: int = self._servers["default"].instance.sockets[0].getsockname()[1]
        return port

    async def run(self) -> None:
        """Wait for ever; raises when a part of the broker has ended that must not."""
        parts = {self._broadcast_task, self._session_monitor_task}
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        raise RuntimeError("a part of the broker has ended") from done.pop().exception()

    def doubt(self) -> None:
        """Credentials or devices have changed: check each connection's before its next message."""
        for _, connection in self._sessions.values():
            connection.doubt()

    async def close(self, seconds: float = 5.0) -> None:
        """Take no more, let what is under way be stored for up to ``seconds``, then end the connections."""
        self._servers["default"].instance.close()
        await self.intake.drain(seconds)
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self.shutdown()
        await self.intake.drain(0)

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """One connection from its first byte to its last."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a server's callback runs in a task
        self._open.add(task)
        try:
            await self._admit_and_serve(reader, writer)
        except WrongVersion:
            writer.write(packets.connack(1))
        except (Malformed, EOFError, OSError, TimeoutError) as error:
            if isinstance(error, asyncio.IncompleteReadError) and not error.partial:
                return  # said nothing at all: somebody looks whether the port is open
            self.intake.counts["refused_connect"] += 1
            log.info("mqtt.no_login", detail=f"{type(error).__name__}: {error}"[:200])
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._open.discard(task)
            writer.close()

    async def _admit_and_serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._limits.connect_seconds):
            connect = await packets.read_connect(reader)
            return_code, device = await self._log_in(connect)
        if device is None:
            writer.write(packets.connack(return_code))
            self.intake.counts["refused_login"] += 1
            log.warning("mqtt.login_refused", user=str(connect.username)[:64], code=return_code)
            return
        session = await self._open_session(connect, device)
        if session is None:
            writer.write(packets.connack(2))
            self.intake.refuse(device, "sessions")
            return
        recheck = partial(self._directory.authenticate, connect.username, connect.password)
        connection = self._connection(device, recheck, session, (reader, writer))
        connection.will = self._will(connect, device)
        await self._serve(session, connection, writer)

    async def _log_in(self, connect: Any) -> tuple[int, DeviceRef | None]:
        """(0, the device), or CONNACK's return code and None. Never "bad password" when it cannot be known."""
        if not connect.username or not connect.password:
            return 4, None
        if connect.client_id_is_random and not connect.clean_session_flag:
            return 2, None
        try:
            device = await self._directory.authenticate(connect.username, connect.password)
        except TimeoutError:
            raise
        except Exception:  # the directory is away: the device shall try later
            log.exception("mqtt.directory_away")
            return 3, None
        return (0, device) if device is not None else (4, None)

    async def _open_session(self, connect: Any, device: DeviceRef) -> Session | None:
        """The session of this device and client id, kept or new; None when the device has too many."""
        name = f"{device.id}/{connect.client_id}"
        await self._end(name)
        if connect.clean_session_flag:
            await self._delete_session(name)
        kept = self._sessions.get(name, (None, None))[0]
        clients = {client for client in self._clients.get(device.id, ()) if client in self._sessions}
        if kept is None and len(clients) >= self._limits.sessions:
            return None
        self._clients[device.id] = clients | {name}
        session = kept or Session()
        session.parent = 0 if kept is None else 1
        session.client_id = name
        session.clean_session = connect.clean_session_flag
        session.keep_alive = connect.keep_alive
        return session

    async def _end(self, name: str) -> None:
        """End the connection that holds this session, if there is one: the same device has come again."""
        while True:
            session, connection = self._sessions.get(name, (None, None))
            if session is None or not session.transitions.is_connected():
                return
            await connection.handle_connection_closed()
            await connection.stop()
            if self._sessions.get(name, (None, None))[1] is connection:
                session.transitions.disconnect()

    async def disconnect(self, device_id: int) -> None:
        """End all connections of a device: it was retired or its credential has been replaced."""
        for name in tuple(self._clients.get(device_id, ())):
            await self._end(name)

    def _will(self, connect: Any, device: DeviceRef) -> Publish | None:
        if not connect.will_flag:
            return None
        topic, payload = connect.payload.will_topic or "", connect.payload.will_message or b""
        if message_for(device, topic) is None:
            self.intake.refuse(device, "will")
            return None
        return Publish(topic, 0, 0, dup=False, retain=False, payload=bytes(payload))

    def _connection(
        self,
        device: DeviceRef,
        recheck: Callable[[], Awaitable[DeviceRef | None]],
        session: Session,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> DeviceConnection:
        paced = self._buckets.get(device.id)
        if paced is None:
            paced = self._buckets[device.id] = TokenBucket(self._limits.rate, self._limits.burst, self._loop.time)
        connection = DeviceConnection(
            streams, self.plugins_manager, device, recheck, self.intake, self._limits, paced=paced, shared=self._shared
        )
        connection.attach(session, StreamReaderAdapter(streams[0]), StreamWriterAdapter(streams[1]))
        return connection

    async def _serve(self, session: Session, connection: DeviceConnection, writer: asyncio.StreamWriter) -> None:
        session.transitions.connect()
        self._sessions[session.client_id] = (session, connection)
        self.intake.counts["connected"] += 1
        writer.write(packets.connack(0, session_present=bool(session.parent)))
        try:
            await connection.start()
            await self._publish_session_retained_messages(session)
            await self._client_message_loop(session, connection)
        finally:
            self.intake.counts["disconnected"] += 1

    async def _handle_disconnect(
        self, client_session: Session, handler: DeviceConnection, disconnect_waiter: asyncio.Future[Any]
    ) -> None:
        """After the end of a connection: its last will, and the session at rest."""
        if handler.will is not None and not isinstance(disconnect_waiter.result(), DisconnectPacket):
            self.intake.start(self._store_will(handler.device, handler.will))
        await handler.stop()
        if self._sessions.get(client_session.client_id, (None, None))[1] is handler:
            client_session.transitions.disconnect()

    async def _store_will(self, device: DeviceRef, will: Publish) -> None:
        with suppress(Exception):
            await self.intake.take(device, will)

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        """amqtt's question for subscriptions and what is sent by them; publishing is decided by ``Intake``."""
        connection = self._sessions.get(session.client_id, (None, None))[1]
        return isinstance(connection, DeviceConnection) and may_subscribe(connection.device, topic)

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """Subscribe a session to its own downlink; 0x80 refuses."""
        held = sum(session is one for many in self._subscriptions.values() for one, _ in many)
        if held >= self._limits.subscriptions or subscription[1] not in (0, 1, 2):
            return _NOT_SUBSCRIBED
        granted: int = await super().add_subscription(subscription, session)
        if granted == _NOT_SUBSCRIBED:
            self.intake.counts["refused_subscription"] += 1
        return granted
