"""Units of work and reads: the only two ways to reach the database.

A unit of work is one read-write transaction under one actor's scope: services change rows and ``emit`` events, the
unit commits both together and then wakes whoever waits. A reader is one read-only transaction shared by all reads of
one operation, opened at the first of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Executable, Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from domain.kernel import bulk
from domain.kernel.actor import Actor, Scope
from domain.kernel.acts import Act
from domain.kernel.clock import Clock, system_clock
from domain.kernel.outbox import DomainEvent


@dataclass(frozen=True, slots=True)
class News:
    """What a commit changed, said after it: channels with news per compound. Losing it loses nothing.

    ``topics``: "alerts", "events", "requests", "outbox", "access" (sign-ins, roles, device credentials), "documents".
    """

    topics: frozenset[str] = frozenset()
    compounds: frozenset[int] = frozenset()
    accounts: frozenset[int] = frozenset()


ANSWER_SECONDS = 5.0
"""BEGIN and ROLLBACK wait for no lock and no disk: when they are not answered, nobody is there."""

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
Wake = Callable[[News], Awaitable[None]]


async def no_wake(_: News) -> None:
    """A wake that tells nobody; the sweepers find the work."""


@asynccontextmanager
async def transaction(engine: AsyncEngine, scope: Scope, *, read_only: bool = False) -> AsyncIterator[AsyncConnection]:
    """One transaction under ``scope``: begun and scoped in a single round trip, committed on leaving.

    The engine runs in AUTOCOMMIT, so the driver begins nothing by itself; ``SET LOCAL`` ends with the transaction and
    never survives into the next checkout. A connection whose end is uncertain is thrown away, not returned.
    """
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None  # noqa: S101 - a checked-out connection has one
        settings = scope.settings()
        begin = ("BEGIN READ ONLY" if read_only else "BEGIN") + (f"; {settings}" if settings else "")
        begun = False
        try:
            await raw.execute(begin, timeout=ANSWER_SECONDS)
            begun = True
            yield connection
            if not (read_only and raw.is_closed()):  # closed under a read that was cancelled: nothing to commit
                await raw.execute("COMMIT")
        except BaseException as error:
            await _give_up(connection, raw, None if begun else error)
            raise


async def _give_up(connection: AsyncConnection, raw: Any, unanswered: BaseException | None) -> None:
    """Roll back, unless the server did not even begin; throw the connection away if that is not answered either."""
    try:
        if isinstance(unanswered, TimeoutError):
            raise unanswered
        await asyncio.shield(raw.execute("ROLLBACK", timeout=ANSWER_SECONDS))
    except asyncio.CancelledError:
        await connection.invalidate()
        raise
    except Exception as error:  # noqa: BLE001 - the first error is the one to tell, a cancellation above all
        raw.terminate()  # no farewell to somebody who does not answer
        await connection.invalidate(error)


@dataclass(slots=True)
class UnitOfWork:
    """One write transaction. Services get it, never commit, and call no network inside it."""

    session: AsyncSession
    actor: Actor
    now: datetime
    request_id: str = ""
    _acts: list[Act] = field(default_factory=list)
    _events: list[tuple[DomainEvent, int | None]] = field(default_factory=list)
    _topics: set[str] = field(default_factory=set)
    _compounds: set[int] = field(default_factory=set)
    _accounts: set[int] = field(default_factory=set)

    def emit(self, event: DomainEvent, *, compound_id: int | None = None) -> None:
        """Record that ``event`` happened; stored with the commit and handed to its handlers after it."""
        self._events.append((event, compound_id))
        self._topics.add("outbox")

    def record(self, action: str, object_type: str = "", object_id: int | str | None = None, **said: Any) -> None:
        """Put an act into the audit log, with the commit. ``said``: the further fields of ``Act``."""
        self._acts.append(Act(action, object_type, object_id, **said))

    def tell(self, topic: str, *, compound_id: int | None = None, account_id: int | None = None) -> None:
        """Say after the commit that ``topic`` has news."""
        self._topics.add(topic)
        if compound_id is not None:
            self._compounds.add(compound_id)
        if account_id is not None:
            self._accounts.add(account_id)

    @asynccontextmanager
    async def along(self, account_id: int) -> AsyncIterator[None]:
        """Within, row-level security also shows what is of this account itself, wherever that is: its roles and homes.

        To read only: nobody writes rows for being their own. The actor's scope is again what it was on leaving.
        """
        own = "" if self.actor.account_id is None else str(int(self.actor.account_id))
        await self.session.execute(text(f"SET LOCAL app.account = '{int(account_id)}'"))
        yield
        await self.session.execute(text(f"SET LOCAL app.account = '{own}'"))

    async def flush_events(self) -> None:
        """Write the emitted events; called once by the unit's owner before it commits."""
        if self._events:
            rows = [(e.name, c, orjson.dumps(e.payload()).decode()) for e, c in self._events]
            connection = await self.session.connection()
            await bulk.run(connection, EMIT, self.now, *bulk.transposed(EMITTED, rows))

    async def flush_acts(self) -> None:
        """Append the recorded acts to the audit log; called once by the unit's owner, last of all before the commit.

        It locks the heads of the chains it writes to, in their order, and nothing is locked behind them: a chain is
        held for one statement and the commit, and no two units wait for each other.
        """
        if self._acts:
            await _append(await self.session.connection(), self.actor, self._acts, self.now, self.request_id)

    def news(self) -> News:
        """What to say after the commit."""
        return News(frozenset(self._topics), frozenset(self._compounds), frozenset(self._accounts))


EMITTED = (("name", "text"), ("compound_id", "int"), ("payload", "jsonb"))
EMIT = f"""
insert into outbox_event ({bulk.names(EMITTED)}, created_at, due_at)
select *, $1::timestamptz, $1::timestamptz from unnest({bulk.arrays(EMITTED, after=1)})
"""  # noqa: S608 - names from the table above
APPEND = "select zhian_audit_append($1::int[], $2::text[])"


async def _append(
    connection: AsyncConnection, actor: Actor, acts: Sequence[Act], at: datetime, request_id: str
) -> None:
    lines = [act.line(actor, at, request_id) for act in acts]
    await bulk.run(connection, APPEND, [act.chain for act in acts], lines)


class ReaderClosed(RuntimeError):
    """A read after the end of its operation: it would open a connection that nobody gives back."""


class Reader:
    """Reads of one operation: one read-only transaction on one connection, opened at the first read.

    Statements are serialised over the connection; rows are Core rows, not ORM objects. After its end it is of no use:
    ReaderClosed.
    """

    def __init__(self, engine: AsyncEngine, scope: Scope) -> None:
        self._engine = engine
        self._scope = scope
        self._lock = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._connection: AsyncConnection | None = None
        self._closed = False

    async def rows(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Sequence[AnyRow]:
        """All rows of ``statement``."""
        async with self._lock:
            if self._closed:
                raise ReaderClosed
            if self._connection is None:
                opened = transaction(self._engine, self._scope, read_only=True)
                self._connection = await self._stack.enter_async_context(opened)
            return (await self._connection.execute(statement, parameters)).all()

    async def row(self, statement: Executable, parameters: dict[str, Any] | None = None) -> AnyRow | None:
        """The first row of ``statement``, or None."""
        found = await self.rows(statement, parameters)
        return found[0] if found else None

    async def scalar(self, statement: Executable, parameters: dict[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        found = await self.row(statement, parameters)
        return found[0] if found is not None else None

    async def close(self) -> None:
        """End the transaction and give the connection back."""
        async with self._lock:
            self._closed = True
            self._connection = None
            await self._stack.aclose()


class Database:
    """Opens units of work and readers on one engine."""

    def __init__(self, engine: AsyncEngine, *, wake: Wake = no_wake, clock: Clock = system_clock) -> None:
        self.engine = engine
        self.clock = clock
        self.wake = wake

    @asynccontextmanager
    async def unit_of_work(self, actor: Actor, *, request_id: str = "") -> AsyncIterator[UnitOfWork]:
        """A write transaction under ``actor``'s scope: commits on leaving, rolls back on an error.

        request_id: the request it is done for, as the audit log names it.
        """
        async with (
            transaction(self.engine, actor.scope) as connection,
            AsyncSession(connection, expire_on_commit=False) as session,
        ):
            uow = UnitOfWork(session=session, actor=actor, now=self.clock(), request_id=request_id)
            yield uow
            await session.flush()
            await uow.flush_events()
            await uow.flush_acts()
        news = uow.news()
        if news.topics:
            await self.wake(news)

    async def record(self, actor: Actor, acts: Sequence[Act], *, request_id: str = "") -> None:
        """Append what ``actor`` looked at to the audit log; it is committed when this returns.

        One statement, which is a transaction by itself. Close a reader before: this takes a connection of its own.
        """
        async with self.engine.connect() as connection:
            await _append(connection, actor, acts, self.clock(), request_id)

    @asynccontextmanager
    async def reader(self, scope: Scope) -> AsyncIterator[Reader]:
        """A reader under ``scope``, closed on leaving."""
        reader = Reader(self.engine, scope)
        try:
            yield reader
        finally:
            await reader.close()
