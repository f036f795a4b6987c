"""One device's connection: amqtt's protocol handler with a reading loop that acknowledges after the commit.

amqtt queues an incoming QoS 1 message and acknowledges it at once, never enforces the keep-alive and takes packets of
any size; its loop is therefore replaced. What is sent to the device (subscriptions, downlink) stays amqtt's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.pingreq import PingReqPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.pubcomp import PubcompPacket
from amqtt.mqtt.pubrec import PubrecPacket
from amqtt.mqtt.pubrel import PubrelPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket

from domain.security.devices.directory import DeviceRef
from integrations.devices.mqtt import packets
from integrations.devices.mqtt.flow import TokenBucket, Window, weight
from integrations.devices.mqtt.intake import Intake
from integrations.devices.mqtt.packets import Header, Malformed, Publish

log = structlog.get_logger(__name__)

PUBACK: Final = 4
PUBREC: Final = 5
PUBCOMP: Final = 7
_CHUNK: Final = 64 * 1024
_LINGER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one device may do.

    packet_bytes: the longest PUBLISH that is stored; discard_bytes: the longest that is read away and acknowledged as
    refused, a longer one closes the connection. rate, burst: units a second and at once (a unit: a message of up to
    16 KiB). window: units under way per connection; window_all: of all together. idle_seconds: silence allowed to a
    client that asked for no keep-alive. connect_seconds: time to log in. recheck_seconds: how long a credential that
    was good stays believed while messages come.
    """

    packet_bytes: int = 1024 * 1024
    discard_bytes: int = 16 * 1024 * 1024
    rate: float = 500.0
    burst: float = 1000.0
    window: int = 256
    window_all: int = 8192
    idle_seconds: float = 3600.0
    connect_seconds: float = 10.0
    subscriptions: int = 16
    sessions: int = 8
    recheck_seconds: float = 30.0


class DeviceConnection(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt is untyped
    """Reads one device's packets. ``paced``: the device's own bucket; ``shared``: the window of all devices.

    ``recheck``: logs in again. ``will``: stored when the connection ends without a DISCONNECT.
    """

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        manager: Any,
        device: DeviceRef,
        recheck: Callable[[], Awaitable[DeviceRef | None]],
        intake: Intake,
        limits: Limits,
        *,
        paced: TokenBucket,
        shared: Window,
    ) -> None:
        super().__init__(manager)
        self._in, self._out = streams
        self.will: Publish | None = None
        self.device = device
        self._recheck = recheck
        self._believed_until = self._loop.time() + limits.recheck_seconds
        self._intake = intake
        self._limits = limits
        self._paced = paced
        self._window = Window(limits.window)
        self._shared = shared
        self._ended: asyncio.Future[DisconnectPacket | None] = self._loop.create_future()
        self._heard_at = self._loop.time()
        self._held = False
        self._storing: set[asyncio.Task[None]] = set()
        self._silence: asyncio.TimerHandle | None = None

    async def wait_disconnect(self) -> DisconnectPacket | None:
        """The DISCONNECT that ended the connection, or None when it just ended."""
        return await asyncio.shield(self._ended)

    async def handle_disconnect(self, disconnect: DisconnectPacket | None) -> None:
        """The connection has ended; the first word counts."""
        if not self._ended.done():
            self._ended.set_result(disconnect)

    async def start(self) -> None:
        """Start reading, then send again what the device had not acknowledged before."""
        self._reader_ready = asyncio.Event()
        self._reader_task = asyncio.create_task(self._reader_loop())
        await self._reader_ready.wait()
        await self._retry_deliveries()

    async def stop(self) -> None:
        """Stop reading and close; what is buffered is still sent, for a few seconds at most."""
        self._stop_waiters()
        task: asyncio.Task[None] | None = self._reader_task
        if task is not None and not task.done():
            task.cancel()
            await self._reader_stopped.wait()
        self._out.close()
        self._loop.call_later(_LINGER_SECONDS, self.abort)

    def abort(self) -> None:
        """Drop the connection now. A client sends again what was not acknowledged when it is back."""
        self._out.transport.abort()

    async def _reader_loop(self) -> None:
        self._reader_ready.set()
        self._watch()
        try:
            while await self._read_packet():
                pass
        except Malformed as error:
            self._intake.refuse(self.device, "protocol", detail=str(error))
        except (EOFError, OSError, asyncio.CancelledError):
            pass  # the end of a connection is not an error; amqtt cancels the loop to stop it
        except Exception as error:  # noqa: BLE001  # not stored, so not acknowledged
            self._not_stored(error)
        finally:
            if self._silence is not None:
                self._silence.cancel()
            await self.handle_disconnect(None)
            self._reader_stopped.set()

    def _watch(self) -> None:
        """Close a connection that was silent for one and a half keep-alive periods."""
        keep_alive = self.session.keep_alive
        allowed = keep_alive * 1.5 if keep_alive else self._limits.idle_seconds
        left = allowed if self._held else self._heard_at + allowed - self._loop.time()
        if left <= 0:
            self._intake.counts["timed_out"] += 1
            self.abort()
        else:
            self._silence = self._loop.call_later(left, self._watch)

    async def _read_packet(self) -> bool:
        header = await packets.read_header(self._in)
        self._heard_at = self._loop.time()
        if header.type != packets.PUBLISH:
            return await self._on_control(await packets.read_control(header, self._in))
        if header.length > self._limits.packet_bytes:
            await self._on_oversize(header)
        else:
            await self._on_publish(packets.read_publish(header, await self._in.readexactly(header.length)))
        return True

    async def _on_control(self, packet: Any) -> bool:
        match packet:
            case PingReqPacket():
                self._out.write(packets.PINGRESP)
            case DisconnectPacket():
                await self.handle_disconnect(packet)
                return False
            case SubscribePacket():
                await self.handle_subscribe(packet)
            case UnsubscribePacket():
                await self.handle_unsubscribe(packet)
            case PubackPacket():
                await self.handle_puback(packet)
            case PubrecPacket():
                await self.handle_pubrec(packet)
            case PubcompPacket():
                await self.handle_pubcomp(packet)
            case PubrelPacket():
                self._received.discard(packet.packet_id)
                self._acknowledge(PUBCOMP, packet.packet_id)
            case _:
                raise Malformed("unexpected packet")
        await asyncio.sleep(self._paced.take(1))
        await self._out.drain()
        return True

    async def _on_publish(self, publish: Publish) -> None:
        if publish.retain:
            self._intake.counts["retain_ignored"] += 1  # taken as any other message; nothing is retained
        if publish.qos == 2 and publish.packet_id in self._received:
            self._acknowledge(PUBREC, publish.packet_id)
            return
        units = weight(len(publish.payload))
        await self._hold(units)
        if self._loop.time() >= self._believed_until:
            await self._check_credential(units)
        task = self._intake.start(self._store(publish, units))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    def doubt(self) -> None:
        """Check the credential again before the next message."""
        self._believed_until = self._loop.time()

    async def _check_credential(self, units: int) -> None:
        """Credentials are replaced and devices retired while they are connected. Raises Malformed when that is so."""
        try:
            device = await self._recheck()
        except Exception as error:  # noqa: BLE001  # it cannot be known now; nor could the message be stored
            log.warning("mqtt.directory_away", device=self.device.id, error=type(error).__name__)
            return
        if device is None or (device.id, device.compound_id) != (self.device.id, self.device.compound_id):
            self._give(units)
            raise Malformed("the credential is no longer valid here")
        self.device = device
        self._believed_until = self._loop.time() + self._limits.recheck_seconds

    def _give(self, units: int) -> None:
        self._window.give(units)
        self._shared.give(units)

    async def _hold(self, units: int) -> None:
        """Wait, not reading on, until the device's rate and the windows allow ``units`` more."""
        pause = self._paced.take(units)
        if not pause and self._window.try_take(units):
            if self._shared.try_take(units):
                await self._out.drain()
                return
            self._window.give(units)
        self._held = True
        self._intake.counts["held"] += 1
        try:
            await asyncio.sleep(pause)
            await self._window.take(units)
            await self._take_shared(units)
            await self._out.drain()
        finally:
            self._held = False
            self._heard_at = self._loop.time()

    async def _take_shared(self, units: int) -> None:
        try:
            await self._shared.take(units)
        except asyncio.CancelledError:
            self._window.give(units)
            raise

    async def _store(self, publish: Publish, units: int) -> None:
        try:
            await self._intake.take(self.device, publish)
        except Exception as error:  # noqa: BLE001  # whatever the reason: not stored, so not acknowledged
            self._not_stored(error)
        else:
            self._confirm(publish)
        finally:
            self._give(units)

    def _not_stored(self, error: Exception) -> None:
        """Without an acknowledgement a device sends again, but most only do so on a new connection: end this one.

        What came behind it is not stored either, or it would overtake: "smoke" before the "no smoke" ahead of it.
        """
        self._intake.counts["failed"] += 1
        log.error("mqtt.not_stored", device=self.device.id, exc_info=error)
        for task in self._storing - {asyncio.current_task()}:
            task.cancel()
        self.abort()

    async def _on_oversize(self, header: Header) -> None:
        if header.length > self._limits.discard_bytes:
            raise Malformed("far too long")
        head = await self._in.readexactly(2)
        head += await self._in.readexactly(int.from_bytes(head) + (2 if header.flags & 6 else 0))
        left = header.length - len(head)
        while left:
            part = min(left, _CHUNK)
            await asyncio.sleep(self._paced.take(weight(part)))
            await self._in.readexactly(part)
            left -= part
        publish = packets.read_publish(header, head)
        await self._intake.take_oversize(self.device, publish, header.length)
        self._confirm(publish)

    def _confirm(self, publish: Publish) -> None:
        if publish.qos == 1:
            self._acknowledge(PUBACK, publish.packet_id)
        elif publish.qos == 2:
            self._received.add(publish.packet_id)
            self._acknowledge(PUBREC, publish.packet_id)

    @property
    def _received(self) -> set[int]:
        """QoS 2 packets stored but not yet released by the device; lives as long as its session."""
        received: set[int] = self.session.attributes.setdefault("zhian.received", set())
        return received

    def _acknowledge(self, kind: int, packet_id: int) -> None:
        if not self._out.is_closing():
            self._out.write(packets.acknowledgement(kind, packet_id))
