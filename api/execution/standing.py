"""Subscriptions that run trusted documents: they end when their document is retired."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

log = structlog.get_logger(__name__)

StillRuns = Callable[[bytes], Awaitable[bool]]
End = Callable[[], None]


class Standing:
    """The open subscriptions of one process by the SHA-256 of their document.

    They are looked at when documents changed, and every ``recheck_seconds`` in case that was not heard. While nobody
    can say what is registered they go on.
    """

    def __init__(self, still_runs: StillRuns, *, recheck_seconds: float) -> None:
        self._still_runs = still_runs
        self._recheck_seconds = recheck_seconds
        self._ends: dict[bytes, dict[End, None]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return sum(map(len, self._ends.values()))

    def add(self, digest: bytes, end: End) -> End:
        """Call ``end`` when the document of ``digest`` is no longer registered; the result takes that back."""
        self._ends.setdefault(digest, {})[end] = None
        if self._task is None:
            self._task = asyncio.create_task(self._watch())
        self._wake.set()  # it may have been retired since it was asked for

        def remove() -> None:
            mine = self._ends.get(digest, {})
            mine.pop(end, None)
            if not mine:
                self._ends.pop(digest, None)
            if not self._ends and self._task is not None:
                self._task.cancel()
                self._task = None

        return remove

    def changed(self) -> None:
        """Documents were registered or retired: look now."""
        self._wake.set()

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._recheck_seconds):
                    await self._wake.wait()
            self._wake.clear()
            for digest in list(self._ends):
                if not await self._good(digest):
                    for end in list(self._ends.get(digest, ())):
                        end()

    async def _good(self, digest: bytes) -> bool:
        try:
            return await self._still_runs(digest)
        except Exception:
            # Open on purpose: what is registered stands in the database whose rows these subscriptions tell, so while
            # it is away they tell nothing either; ending them all would have every client come back in the second it
            # restarts. New operations are refused meanwhile, and these are looked at again after `recheck_seconds`.
            log.exception("documents.unchecked")
            return True
