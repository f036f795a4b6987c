"""Requests over keep-alive connections, cheap enough that the server is what is measured.

Bytes are made beforehand; of an answer only its status and end are looked for.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True)
class Load:
    """requests a second, and how many answers were not 2xx."""

    rate: float
    failed: int


def request(
    path: str,
    port: int,
    token: str,
    body: bytes = b"",
    content_type: str = "application/json",
    *,
    more: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of a request: POST with a body, GET without one. more: further headers."""
    head = (
        f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    )
    rest = "".join(f"{name}: {value}\r\n" for name, value in (more or {}).items())
    return f"{head}{rest}\r\n".encode() + body


def whole(answer: bytes) -> bool | None:
    """None while ``answer`` is not whole; then whether its status is 2xx."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = answer[:end].lower()
    at = head.find(b"content-length: ")
    length = int(head[at + 16 :].split(b"\r", 1)[0]) if at >= 0 else 0
    return None if len(answer) < end + 4 + length else head[9:10] == b"2"


class _Client(asyncio.Protocol):
    """One connection: sends the next request when an answer is whole."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._done = done
        self._buffer = b""
        self.answered = self.failed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def _next(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
        else:
            self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if (status := whole(self._buffer)) is not None:
            self._buffer = b""
            self.answered += 1
            self.failed += not status
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("closed by the server"))


async def run(requests: Sequence[bytes], *, port: int, connections: int) -> Load:
    """Send every request once over ``connections`` connections, each waiting for its answer."""
    loop = asyncio.get_running_loop()
    shared = iter(requests)
    clients: list[_Client] = []
    ends: list[asyncio.Future[None]] = []
    started = time.perf_counter()
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        client = _Client(shared, done)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]  # a lambda with a default
        clients.append(client)
        ends.append(done)
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - started
    return Load(sum(c.answered for c in clients) / seconds, sum(c.failed for c in clients))


class _Once(asyncio.Protocol):
    """One connection for one request: when its answer was whole."""

    def __init__(self) -> None:
        self._buffer = b""
        self.done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if (status := whole(self._buffer)) is not None and not self.done.done():
            if status:
                self.done.set_result(time.perf_counter())
            else:
                self.done.set_exception(RuntimeError(f"refused: {self._buffer[:200]!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("closed by the server"))


async def at_once(requests: Sequence[bytes], *, port: int) -> list[float]:
    """Send all requests at the same time, each over a connection of its own that is open before: seconds from then on
    until each whole answer. Raises RuntimeError when one is not 2xx."""
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(_Once, "127.0.0.1", port) for _ in requests]
    try:
        started = time.perf_counter()
        for (_, client), wanted in zip(opened, requests, strict=True):
            client.transport.write(wanted)
        return [await client.done - started for _, client in opened]
    finally:
        for _, client in opened:
            client.transport.close()


class _Sender(asyncio.Protocol):
    """One connection of a pool; free again when its answer is whole."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if (status := whole(self._buffer)) is not None:
            self._buffer = b""
            self._pool.answered(self, ok=status)


class Pool:
    """Connections that send what is given to them as soon as one is free; for open-loop arrivals."""

    def __init__(self, port: int, size: int) -> None:
        self._port, self._size = port, size
        self._free: deque[_Sender] = deque()  # in turn, so that none is idle until the server closes it
        self._waiting: deque[bytes] = deque()
        self._pending = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.failed = 0

    async def __aenter__(self) -> Pool:
        loop = asyncio.get_running_loop()
        for _ in range(self._size):
            _, sender = await loop.create_connection(lambda: _Sender(self), "127.0.0.1", self._port)
            self._free.append(sender)
        return self

    async def __aexit__(self, *_: object) -> None:
        async with asyncio.timeout(30):
            await self._idle.wait()
        for sender in self._free:
            sender.transport.close()

    def send(self, request: bytes) -> None:
        """Send now, or when a connection is free."""
        self._pending += 1
        self._idle.clear()
        if self._free:
            self._free.popleft().transport.write(request)
        else:
            self._waiting.append(request)

    def answered(self, sender: _Sender, *, ok: bool) -> None:
        """An answer is whole."""
        self._pending -= 1
        self.failed += not ok
        if self._waiting:
            sender.transport.write(self._waiting.popleft())
        else:
            self._free.append(sender)
        if not self._pending:
            self._idle.set()
