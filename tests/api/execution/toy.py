"""A small schema with a query, a mutation, and subscriptions of each sort; a log in memory; sign-ins by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import strawberry
from starlette.requests import HTTPConnection

from api.live import FeedHub
from domain.kernel.actor import Actor, ActorKind, Grant, Level, Role, Scope
from domain.kernel.errors import Conflict, Unauthenticated
from domain.kernel.log import LogPage
from domain.kernel.paging import LogCursor, StaleCursor
from domain.kernel.uow import News

COMPOUND = 7


@dataclass(frozen=True, slots=True)
class ToyItem:
    cursor: LogCursor
    text: str
    compound_id: int = COMPOUND
    community_id: int = 3
    town_id: int = 2
    county_id: int = 1


@dataclass
class ToyLog:
    """A log in memory: ``horizon`` is the oldest running transaction; rows at or beyond it are held back.

    epoch: set to another, it has been restored from a backup.
    """

    rows: list[ToyItem] = field(default_factory=list)
    horizon: int = 100
    reads: int = 0
    before_read: Callable[[], Any] | None = None
    fail: int = 0
    epoch: int = 0

    def add(self, text: str, *, xid: int | None = None, compound_id: int = COMPOUND, settle: bool = True) -> ToyItem:
        used = self.horizon if xid is None else xid
        item = ToyItem(LogCursor(used, len(self.rows) + 1, self.epoch), text, compound_id)
        self.rows.append(item)
        if settle:
            self.horizon = max(self.horizon, used + 1)
        return item

    async def end(self) -> LogCursor:
        return LogCursor(self.horizon, 0, self.epoch)

    async def after(self, cursor: LogCursor, scope: Scope, limit: int) -> LogPage[ToyItem]:
        self.reads += 1
        if self.fail:
            self.fail -= 1
            raise ConnectionError("the database is away")
        if cursor.epoch != self.epoch:
            raise StaleCursor
        rows = sorted(
            (r for r in self.rows if (r.cursor.xid, r.cursor.id) > (cursor.xid, cursor.id)),
            key=lambda r: (r.cursor.xid, r.cursor.id),
        )
        rows = [r for r in rows if r.compound_id in scope.compounds or 1 in scope.counties]
        horizon = self.horizon
        await asyncio.sleep(0)
        settled = [r for r in rows if r.cursor.xid < horizon]
        page = settled[:limit]
        complete = len(settled) <= limit
        position = LogCursor(horizon, 0, self.epoch) if complete else page[-1].cursor
        return LogPage(page, position, complete, held_back=len(settled) < len(rows))


@dataclass(frozen=True, slots=True)
class ToySignIn:
    actor: Actor
    expires_at: datetime | None = None


@dataclass
class Gatekeeper:
    """Accounts by token; tests revoke and change them."""

    accounts: dict[str, int] = field(default_factory=lambda: {"ming": 1, "hong": 2})
    role: Role = Role.PROPERTY_STAFF
    seconds: float | None = None
    asked: int = 0

    async def authenticate(self, credentials: Mapping[str, str]) -> ToySignIn:
        self.asked += 1
        token = credentials.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return ToySignIn(Actor(kind=ActorKind.ANONYMOUS))
        if token not in self.accounts:
            raise Unauthenticated
        grants = (Grant(self.role, COMPOUND, Level.COMPOUND),)
        actor = Actor(
            kind=ActorKind.ACCOUNT,
            account_id=self.accounts[token],
            grants=grants,
            scope=Scope(compounds=(COMPOUND,)),
        )
        until = None if self.seconds is None else datetime.now(UTC) + timedelta(seconds=self.seconds)
        return ToySignIn(actor, until)


@dataclass
class ToyContext:
    actor: Actor
    toy: Toy
    closed: bool = False

    def follow(self, opening: ToyContext) -> None:
        """An item of a feed; nothing here goes on record."""

    async def settle(self) -> None:
        """Nothing here goes on record."""

    async def close(self) -> None:
        self.closed = True
        self.toy.closed += 1


@dataclass
class Toy:
    """Everything behind one toy endpoint."""

    log: ToyLog = field(default_factory=ToyLog)
    gate: Gatekeeper = field(default_factory=Gatekeeper)
    made: int = 0
    closed: int = 0
    rendered: int = 0
    running: int = 0

    def __post_init__(self) -> None:
        self.hub = FeedHub({"toys": self.log}, poll_seconds=0.05)

    def say(self, text: str) -> ToyItem:
        """Add to the log, with news of it."""
        item = self.log.add(text)
        self.hub.on_news(News(topics=frozenset({"toys"})))
        return item

    def make_context(self, sign_in: ToySignIn, connection: HTTPConnection) -> ToyContext:
        del connection
        self.made += 1
        return ToyContext(sign_in.actor, self)


Info = strawberry.Info[ToyContext, None]


@strawberry.type
class Node:
    id: strawberry.ID = strawberry.ID("n")

    @strawberry.field
    def node(self) -> Node:
        return Node()


@strawberry.type
class Edge:
    node: Node


@strawberry.type
class NodeConnection:
    edges: list[Edge]


@strawberry.type
class ToyFeedItem:
    cursor: str
    text: str

    @strawberry.field
    def shouted(self, info: Info, times: int = 1) -> str:
        info.context.toy.rendered += 1
        return self.text.upper() + "!" * times

    @strawberry.field
    def account(self, info: Info) -> int | None:
        assert not info.context.closed
        return info.context.actor.account_id


def present(item: ToyItem) -> ToyFeedItem:
    return ToyFeedItem(cursor=item.cursor.encode(), text=item.text)


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field
    def viewer(self, info: Info) -> int | None:
        return info.context.actor.account_id

    @strawberry.field
    def node(self) -> Node:
        return Node()

    @strawberry.field
    def nodes(self, first: int | None = None) -> NodeConnection:
        return NodeConnection(edges=[Edge(node=Node()) for _ in range(min(first or 2, 100))])

    @strawberry.field
    def secret(self) -> str | None:
        raise RuntimeError("the password is 12345")

    @strawberry.field
    def taken(self) -> str | None:
        raise Conflict(field="slot")


@strawberry.type
class Mutation:
    @strawberry.mutation
    def say(self, info: Info, text: str) -> str:
        return info.context.toy.say(text).cursor.encode()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, info: Info, to: int = 3) -> AsyncGenerator[int, None]:
        toy = info.context.toy
        toy.running += 1
        try:
            for i in range(to):
                yield i + 1
        finally:
            toy.running -= 1

    @strawberry.subscription
    async def silence(self, info: Info) -> AsyncGenerator[int, None]:
        toy = info.context.toy
        toy.running += 1
        try:
            await asyncio.Event().wait()
            yield 0
        finally:
            toy.running -= 1

    @strawberry.subscription
    async def toy_feed(self, info: Info, after: str | None = None, like: str = "") -> AsyncIterator[ToyFeedItem]:
        return info.context.toy.hub.feed(
            "toys",
            scope=Scope(compounds=(COMPOUND,)),
            admit=lambda item: like in item.text,
            present=present,
            key=(info.context.actor.roles, like),
            after=LogCursor.decode(after) if after else None,
        )

    @strawberry.subscription
    async def forbidden(self) -> AsyncGenerator[int, None]:
        raise Conflict
        yield 1


schema = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)
