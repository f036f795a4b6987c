"""As much of an MQTT 3.1.1 client as a small device has: connect, publish at QoS 1, read acknowledgements."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TRY_LATER = 3
PUBACK = 0x40
KEEP_ALIVE = 60


class Refused(Exception):
    """CONNACK with another code than 0."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2) + data


def _packet(first: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes((first, *length)) + body


class Client:
    """One connection that has been accepted."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def publish(self, topic: str, payload: bytes, packet: int, *, again: bool) -> None:
        """PUBLISH at QoS 1; ``again``: with the DUP flag."""
        body = _text(topic) + packet.to_bytes(2) + payload
        self._writer.write(_packet(0x3A if again else 0x32, body))

    async def drain(self) -> None:
        """Wait until there is room for more."""
        await self._writer.drain()

    async def acknowledged(self) -> int:
        """The packet id of the next PUBACK."""
        while True:
            first, length = await self._reader.readexactly(2)
            body = await self._reader.readexactly(length)
            if first == PUBACK:
                return int.from_bytes(body[:2])


@asynccontextmanager
async def connected(address: tuple[str, int], user: str, password: str, seconds: float) -> AsyncIterator[Client]:
    """A session that is kept between connections. Raises Refused, OSError, EOFError, TimeoutError."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(*address)
    try:
        head = _text("MQTT") + bytes((4, 0xC0)) + KEEP_ALIVE.to_bytes(2)
        writer.write(_packet(0x10, head + _text(f"harness-{user}") + _text(user) + _text(password)))
        async with asyncio.timeout(seconds):
            answer = await reader.readexactly(4)
        if answer[3]:
            raise Refused(answer[3])
        yield Client(reader, writer)
    finally:
        writer.transport.abort()
