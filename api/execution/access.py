"""Who stands behind a request or an open connection, and for how long.

An open connection ends when its token expires, when its session or its roles change, or when its rights can no longer
be checked: always with 4403, which clients answer by signing in again and resuming by cursor (4401 makes the usual
clients give up for good).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Protocol

import structlog

from domain.kernel.actor import ANONYMOUS, Actor
from domain.kernel.errors import DomainError

log = structlog.get_logger(__name__)


class SignIn(Protocol):
    """Who asks, until ``expires_at`` (without end when None). contexts get all ``authenticate`` returned."""

    @property
    def actor(self) -> Actor: ...
    @property
    def expires_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Stranger:
    """The sign-in of a socket before its first message."""

    actor: Actor = ANONYMOUS
    expires_at: datetime | None = None


Credentials = Mapping[str, str]
"""Headers with lower-case names; on a WebSocket the text members of ``connection_init.payload`` lie over them."""

Authenticate = Callable[[Credentials], Awaitable[SignIn]]
"""Resolves credentials: nobody without a token; raises ``Unauthenticated`` for one that is not (or no longer) good."""


class Farewell(IntEnum):
    """Close codes of the WebSocket, and why."""

    TOO_BIG = 1009
    TRY_LATER = 1013  # a slow reader, or we are not ready: clients retry and resume by cursor
    BAD_MESSAGE = 4400
    NOT_INITIALISED = 4401
    ACCESS_ENDED = 4403
    PROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE = 4409
    SECOND_INIT = 4429


ENDED_AT_ONCE, ENDED_PAUSE = 10, 0.02


class Connection(Protocol):
    """A connection that stays open: a WebSocket or an event stream."""

    @property
    def credentials(self) -> Credentials: ...
    @property
    def sign_in(self) -> SignIn: ...

    def end(self, code: Farewell, reason: str) -> None:
        """Close it; nothing is sent on it any more."""

    def blocked_since(self) -> float | None:
        """Loop time since when a send has been waiting for the peer to read, if one is."""


class Connections:
    """The open connections of one process: watched for slow readers and for rights that changed."""

    def __init__(self, authenticate: Authenticate, *, send_seconds: float, recheck_seconds: float) -> None:
        self._authenticate = authenticate
        self._send_seconds = send_seconds
        self._recheck_seconds = recheck_seconds
        self._open: dict[Connection, int | None] = {}
        self._of_account: dict[int, dict[Connection, None]] = {}
        self._due: deque[Connection] = deque()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> None:
        """Watch ``connection`` until it is removed."""
        account = connection.sign_in.actor.account_id
        self._open[connection] = account
        if account is not None:
            self._of_account.setdefault(account, {})[connection] = None
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._recheck())]

    def remove(self, connection: Connection) -> None:
        """Watch it no longer."""
        account = self._open.pop(connection, None)
        if account is not None and (mine := self._of_account.get(account)) is not None:
            mine.pop(connection, None)
            if not mine:
                del self._of_account[account]
        if not self._open:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    def access_changed(self, accounts: frozenset[int]) -> None:
        """Check the connections of ``accounts`` now; of everybody when it is empty."""
        if accounts:
            self._due.extendleft(c for a in accounts for c in self._of_account.get(a, ()))
        else:
            self._due.extend(c for mine in self._of_account.values() for c in mine)
        self._wake.set()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        pause = min(1.0, self._send_seconds / 4)
        recheck_at = loop.time() + self._recheck_seconds
        while True:
            await asyncio.sleep(pause)
            now = loop.time()
            ended = 0
            for connection in list(self._open):
                since = connection.blocked_since() if connection in self._open else None
                if since is not None and now - since > self._send_seconds:
                    connection.end(Farewell.TRY_LATER, "Reading too slowly; resume by cursor")
                    ended += 1
                    if ended % ENDED_AT_ONCE == 0:  # a crowd's ends are let out between the others' items
                        await asyncio.sleep(ENDED_PAUSE)
            if now >= recheck_at:
                recheck_at = now + self._recheck_seconds
                self.access_changed(frozenset())

    async def _recheck(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._due:
                connection = self._due.popleft()
                if connection in self._open and (reason := await self._changed(connection)):
                    connection.end(Farewell.ACCESS_ENDED, reason)

    async def _changed(self, connection: Connection) -> str | None:
        try:
            now = await self._authenticate(connection.credentials)
        except DomainError:
            return "Access ended"
        except Exception:
            log.exception("access.unchecked")
            return "Access could not be checked"
        return None if now.actor == connection.sign_in.actor else "Access changed"
