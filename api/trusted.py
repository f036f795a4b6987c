"""The trusted documents as this process knows them: all in memory, and never more than a moment old."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from domain.kernel.actor import NOTHING
from domain.kernel.documents import changes_after, newest_revision
from domain.kernel.errors import Unavailable
from domain.kernel.uow import Database

log = structlog.get_logger(__name__)

FRESH_SECONDS = 2.0
STALE_SECONDS = 30.0
READ_SECONDS = 2.0
AWAY_SECONDS = 0.5


class TrustedDocuments:
    """Implements ``api.execution.admission.Registry`` over the table.

    The database is asked at news of documents, and when they were last looked at ``FRESH_SECONDS`` ago; not for every
    hash, so unknown ones cost it nothing. While it does not answer, what is known holds ``STALE_SECONDS``.
    """

    def __init__(self, database: Database, *, tick: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._tick = tick
        self._texts: dict[bytes, str] = {}
        self._revision = 0
        self._read_at = -STALE_SECONDS
        self._fresh_until = -STALE_SECONDS
        self._away_until = -STALE_SECONDS
        self._reading = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._texts)

    async def text(self, digest: bytes) -> str | None:
        """The text with this SHA-256. Raises Unavailable."""
        if self._tick() >= self._fresh_until:
            async with self._reading:
                if self._tick() < self._away_until:  # those who waited do not each wait for it again
                    raise Unavailable
                if self._tick() >= self._fresh_until:
                    await self._look()
        return self._texts.get(digest)

    def forget(self) -> None:
        """Look again before the next answer."""
        self._fresh_until = -STALE_SECONDS

    async def _look(self) -> None:
        began = self._tick()
        self._fresh_until = began + FRESH_SECONDS  # before reading: news that comes meanwhile puts it back
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self._read()
        except Exception as error:
            if began - self._read_at >= STALE_SECONDS:
                self.forget()
                self._away_until = self._tick() + AWAY_SECONDS
                log.exception("documents.unread")
                raise Unavailable from error
            log.warning("documents.stale", error=type(error).__name__)
        else:
            self._read_at = began

    async def _read(self) -> None:
        async with self._database.reader(NOTHING) as reader:
            newest = await newest_revision(reader)
            if newest == self._revision:
                return
            known = self._revision if newest > self._revision else 0  # less: another database, put back from a copy
            changes = await changes_after(reader, known)
        kept = self._texts if known else {}
        self._texts = {d: text for d, text in kept.items() if d not in changes.retired} | changes.texts
        self._revision = changes.revision
