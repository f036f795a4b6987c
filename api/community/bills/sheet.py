"""A sheet of CSV that is read in batches while it is sent, and the peer that does not read it."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from api.execution.server import cutter
from domain.kernel.errors import DomainError

log = structlog.get_logger(__name__)

HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Authorization",
    "Content-Disposition": 'attachment; filename="bills.csv"',
}


class _Stalled(Exception):
    """The peer has read nothing for too long."""


class Sheet(StreamingResponse):
    """``lines`` as they come. A peer that takes longer than ``seconds`` for one piece is hung up on, and so is one that
    may read no further (a DomainError of ``lines``): half a sheet never looks like a whole one. ended: called once.
    """

    def __init__(self, lines: AsyncIterator[bytes], *, seconds: float, ended: Callable[[], None]) -> None:
        super().__init__(lines, media_type="text/csv; charset=utf-8", headers=HEADERS)
        self._seconds = seconds
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or break off."""

        async def patiently(message: Message) -> None:
            try:
                async with asyncio.timeout(self._seconds):
                    await send(message)
            except TimeoutError:
                raise _Stalled from None

        try:
            await super().__call__(scope, receive, patiently)
        except (_Stalled, DomainError) as error:
            log.info("export.broken_off", why=type(error).__name__)
            if (cut := cutter(scope)) is None:
                raise
            cut(0, "", 0)
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._ended()


def csv_line(cells: Iterable[Any]) -> bytes:
    """One line of CSV. What a spreadsheet would take for a formula is led by an apostrophe."""
    text = io.StringIO()
    csv.writer(text).writerow([_plain(cell) for cell in cells])
    return text.getvalue().encode()


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
