"""Many WebSockets in one process, cheap enough that the server is what is measured.

Each is an ``asyncio.Protocol`` that writes its own handshake and counts whole text frames; nothing is decoded.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast


class Socket(asyncio.Protocol):
    """One WebSocket that counts what it receives."""

    def __init__(self, crowd: Crowd, hello: Sequence[bytes]) -> None:
        self._crowd = crowd
        self._hello = hello
        self._buffer = bytearray()
        self._open = False
        self.frames = 0
        self.last = b""
        self.closed: int | None = None
        self.on_frame: Callable[[bytes], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._crowd.handshake)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(bytes(self._buffer[:end]).decode())
            del self._buffer[: end + 4]
            self._open = True
            self.transport.write(b"".join(self._hello))
            self._crowd.opened()
        while frame := self._frame():
            self.last = frame
            self.frames += 1
            self._crowd.heard()
            if self.on_frame is not None:
                self.on_frame(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.lost()

    def _frame(self) -> bytes | None:
        """The next text frame's payload; pings are answered, the code of a close is kept."""
        while len(self._buffer) >= 2:
            length, start = self._buffer[1] & 0x7F, 2
            if length == 126:
                length, start = int.from_bytes(self._buffer[2:4], "big"), 4
            elif length == 127:
                length, start = int.from_bytes(self._buffer[2:10], "big"), 10
            if len(self._buffer) < start + length:
                return None
            opcode, payload = self._buffer[0] & 0x0F, bytes(self._buffer[start : start + length])
            del self._buffer[: start + length]
            if opcode in (0x0, 0x1):
                return payload
            if opcode == 0x9:  # ping
                self.transport.write(bytes([0x8A, 0x80 | len(payload)]) + b"\0\0\0\0" + payload)
            elif opcode == 0x8:  # close
                self.closed = int.from_bytes(payload[:2], "big")
        return None


class Crowd:
    """A number of sockets to one address. receive_buffer: bytes the system may hold for each, None = as it likes."""

    def __init__(
        self, host: str, port: int, path: str, protocol: str | None, *, receive_buffer: int | None = None
    ) -> None:
        self._address = (host, port)
        self._receive_buffer = receive_buffer
        key = base64.b64encode(os.urandom(16)).decode()
        extra = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
        self.handshake = (
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
        ).encode()
        self.sockets: list[Socket] = []
        self._opened = self._heard = self._wanted = 0
        self._lost = False
        self._all: asyncio.Future[float] | None = None
        self._closing = False

    async def open(self, count: int, hello: Sequence[bytes]) -> None:
        """Open ``count`` sockets, fifty at a time; each says ``hello`` once it is open."""
        for start in range(0, count, 50):
            size = min(50, count - start)
            self.sockets += await asyncio.gather(*(self._connect(hello) for _ in range(size)))
            async with asyncio.timeout(30):
                while self._opened < start + size:  # noqa: ASYNC110 - a set-up phase, not what is timed
                    await asyncio.sleep(0.001)

    async def _connect(self, hello: Sequence[bytes]) -> Socket:
        loop = asyncio.get_running_loop()
        plain = socket.socket()
        plain.setblocking(False)
        if self._receive_buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        await loop.sock_connect(plain, self._address)
        _, made = await loop.create_connection(lambda: Socket(self, hello), sock=plain)
        return made

    def expect(self, frames: int) -> asyncio.Future[float]:
        """Resolves with the time (``perf_counter``) at which ``frames`` more have been received altogether."""
        self._all = asyncio.get_running_loop().create_future()
        self._heard, self._wanted = 0, frames
        return self._all

    def opened(self) -> None:
        """One socket is open."""
        self._opened += 1

    def heard(self) -> None:
        """One frame has come."""
        self._heard += 1
        if self._heard == self._wanted and self._all is not None and not self._all.done():
            self._all.set_result(time.perf_counter())

    def lost(self) -> None:
        """One socket is gone: no measurement is possible any more."""
        if not self._closing and self._all is not None and not self._all.done():
            self._all.set_exception(ConnectionError("a socket of the crowd was closed"))

    def close(self) -> None:
        """Close them all."""
        self._closing = True
        for one in self.sockets:
            one.transport.abort()


def text_frame(message: dict[str, Any]) -> bytes:
    """A masked text frame (with a zero mask) carrying ``message``."""
    payload = json.dumps(message).encode()
    length = len(payload)
    header = bytes([0x81, 0x80 | length]) if length < 126 else bytes([0x81, 0xFE]) + length.to_bytes(2, "big")
    return header + b"\0\0\0\0" + payload


async def seconds_to_last(crowd: Crowd, trigger: Callable[[], Awaitable[None]], rounds: int) -> list[float]:
    """From ``trigger`` until the last socket of ``crowd`` has one more frame, once per round."""
    taken = []
    for _ in range(rounds):
        everyone = crowd.expect(len(crowd.sockets))
        before = time.perf_counter()
        await trigger()
        async with asyncio.timeout(30):
            taken.append(await everyone - before)
    return taken
