"""MQTT 3.1.1 publishers at QoS 1, cheap enough that the broker is what is measured. Packets: MQTT 3.1.1 §3.1, 3.3."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Sequence
from typing import cast

WINDOW = 20


def _length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, digit = divmod(size, 128)
        out.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(out)


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


def connect(username: str, password: str) -> bytes:
    """A CONNECT packet with a clean session."""
    body = _text("MQTT") + bytes((4, 0xC2)) + struct.pack("!H", 60)
    body += _text(f"bench-{username}") + _text(username) + _text(password)
    return b"\x10" + _length(len(body)) + body


def publish(topic: str, packet_id: int, payload: bytes) -> bytes:
    """A PUBLISH packet at QoS 1."""
    body = _text(topic) + struct.pack("!H", packet_id) + payload
    return b"\x32" + _length(len(body)) + body


class _Publisher(asyncio.Protocol):
    """One device: up to WINDOW messages in flight, the next when one is acknowledged."""

    def __init__(self, username: str, password: str, packets: Sequence[bytes], done: asyncio.Future[None]) -> None:
        self._connect = connect(username, password)
        self._packets = iter(packets)
        self._left = len(packets)
        self._done = done
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._connect)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 4:  # CONNACK and PUBACK are four bytes each
            kind, code = self._buffer[0] >> 4, self._buffer[3]
            del self._buffer[:4]
            if kind == 2:
                if code:
                    self._done.set_exception(ConnectionError(f"CONNACK {code}"))
                    return
                for _ in range(WINDOW):
                    self._send()
            elif kind == 4:
                self._left -= 1
                self._send()
        if not self._left and not self._done.done():
            self._done.set_result(None)
            self._transport.write(b"\xe0\x00")

    def _send(self) -> None:
        if (packet := next(self._packets, None)) is not None:
            self._transport.write(packet)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("closed by the broker"))


async def run(devices: Sequence[tuple[str, str, Sequence[bytes]]], *, port: int) -> float:
    """Publish every packet of every (user name, password, packets); acknowledged messages a second."""
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = []
    started = time.perf_counter()
    for username, password, packets in devices:
        done: asyncio.Future[None] = loop.create_future()
        publisher = _Publisher(username, password, packets, done)
        await loop.create_connection(lambda publisher=publisher: publisher, "127.0.0.1", port)  # type: ignore[misc]  # a lambda with a default
        ends.append(done)
    await asyncio.gather(*ends)
    return sum(len(packets) for _, _, packets in devices) / (time.perf_counter() - started)
