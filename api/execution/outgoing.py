"""The outgoing side of one connection: a bounded queue and the one task that empties it.

When nothing waits, ``put`` begins to send by itself: a server with room takes the frame without suspending, and the
fan-out of an item to thousands of sockets wakes no task. A send that does suspend is finished by the task.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from api.eager import Done, begin

GONE = (OSError, RuntimeError)
"""What servers raise for a send to a peer that is gone or being closed; the receiving side hears of it too."""

PARTS = 4  # of a waiting frame: owner, head, body, tail
Write = Callable[[str], Coroutine[Any, Any, None]]


class Owner(Protocol):
    """The operation a frame belongs to."""

    ended: bool


class Outgoing:
    """Frames waiting for the peer to read. ``put`` never waits; a full queue calls ``overflowed``.

    A frame is a head of its own and, for items, a body shared with other connections: joined only when it is sent, so
    that a slow reader holds references, not copies. They wait one behind the other, four to a frame, in no object of
    their own: thousands of readers that stop would make half a million, and the garbage collector walks them all while
    everybody waits. ``idle``: what to write after so many quiet seconds.
    """

    def __init__(
        self,
        write: Write,
        *,
        capacity: int,
        overflowed: Callable[[], None],
        idle: tuple[float, str] | None = None,
    ) -> None:
        self._write = write
        self._capacity = capacity * PARTS
        self._overflowed = overflowed
        self._idle = idle
        self._parts: deque[Any] = deque()
        self._ready: asyncio.Future[None] | None = None
        self._room: asyncio.Event | None = None
        self._begun: Coroutine[Any, Any, None] | None = None
        self.blocked_since: float | None = None

    def put(self, head: str, body: str = "", tail: str = "", owner: Owner | None = None) -> bool:
        """Send one frame, or queue it; whether it was sent. One whose owner has ended by its turn is not sent."""
        if self._ready is not None and not self._ready.done() and (owner is None or not owner.ended):
            return self._begin(f"{head}{body}{tail}", self._ready)
        if len(self._parts) >= self._capacity:
            self._overflowed()
        else:
            self._parts.extend((owner, head, body, tail))
        return False

    def _begin(self, text: str, ready: asyncio.Future[None]) -> bool:
        """Send ``text`` from here; what suspends is left to the task. Whether it is done."""
        try:
            begun = begin(self._write(text))
        except GONE:
            return True
        if isinstance(begun, Done):
            return True
        self._begun = begun
        self.blocked_since = asyncio.get_running_loop().time()
        ready.set_result(None)
        return False

    async def room(self) -> None:
        """Wait until the queue is at most half full."""
        while len(self._parts) > self._capacity // 2:
            if self._room is None:
                self._room = asyncio.Event()
            self._room.clear()
            await self._room.wait()

    async def run(self) -> None:
        """Send frames until cancelled or the peer is gone."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                if self._begun is not None:
                    begun, self._begun = self._begun, None
                    await begun
                    self.blocked_since = None
                parts = self._parts
                while parts:
                    owner, head, body, tail = (parts.popleft() for _ in range(PARTS))
                    if owner is None or not owner.ended:
                        self.blocked_since = loop.time()
                        await self._write(f"{head}{body}{tail}")
                        self.blocked_since = None
                    if self._room is not None and len(parts) <= self._capacity // 2:
                        self._room.set()
                await self._wait(loop)
        except GONE:
            self.blocked_since = None

    async def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._ready = loop.create_future()
        if self._idle is None:
            await self._ready
            return
        seconds, text = self._idle
        try:
            async with asyncio.timeout(seconds):
                await self._ready
        except TimeoutError:
            self._parts.extend((None, text, "", ""))
