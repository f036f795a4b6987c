"""Holding a sender back without losing anything: a token bucket for its rate, a window for what is under way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

_UNIT_BYTES: Final = 16 * 1024


def weight(size: int) -> int:
    """What a message of ``size`` bytes costs: one unit, and one more per full 16 KiB."""
    return 1 + size // _UNIT_BYTES


class TokenBucket:
    """``rate`` units a second, ``burst`` at once. Shared by all connections of one device."""

    def __init__(self, rate: float, burst: float, now: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._now = now
        self._level = burst
        self._at = now()

    def take(self, units: int) -> float:
        """Take ``units`` and return how many seconds to wait before going on; the level may go below zero."""
        now = self._now()
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        self._level -= units
        return max(0.0, -self._level / self._rate)


class Window:
    """At most ``limit`` units under way; ``take`` waits its turn, first come first served."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = limit
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def try_take(self, units: int) -> bool:
        """Take at once, or say that ``take`` must be awaited."""
        if self._waiting or min(units, self._limit) > self._free:
            return False
        self._free -= min(units, self._limit)
        return True

    async def take(self, units: int) -> None:
        """Wait until ``units`` are free (a weight over the limit counts as the limit)."""
        if self.try_take(units):
            return
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (min(units, self._limit), ready)
        self._waiting.append(entry)
        try:
            await ready
        except asyncio.CancelledError:
            if ready.cancelled():
                self._waiting.remove(entry)
            else:
                self.give(units)
            raise

    def give(self, units: int) -> None:
        """Give back what ``take`` took."""
        self._free += min(units, self._limit)
        while self._waiting and self._waiting[0][0] <= self._free:
            units, ready = self._waiting.popleft()
            self._free -= units
            ready.set_result(None)
