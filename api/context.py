"""The context of one operation: who asks, in which language, and how to read and write. Never a session in it."""

from __future__ import annotations

import secrets
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import strawberry

from api.errors import language_of
from api.live import FeedHub
from api.loading import Loaders
from domain.identity.ports import Vault
from domain.kernel.actor import Actor
from domain.kernel.uow import Database, Reader, UnitOfWork
from integrations.identity.tokens import AccessTokens


class Services(Protocol):
    """What the API asks of the composition root; ``integrations.bootstrap`` provides it."""

    @property
    def database(self) -> Database: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def tokens(self) -> AccessTokens: ...
    @property
    def feeds(self) -> FeedHub: ...
    @property
    def public_url(self) -> str: ...


@dataclass(slots=True)
class Context:
    """One operation's context.

    read: the operation's one read-only transaction, opened at the first read; whoever made the context closes it.
    client: the caller's network address, for rate limits; "" when there is none.
    """

    actor: Actor
    services: Services
    language: str
    request_id: str
    client: str
    read: Reader
    loaders: Loaders = field(init=False)
    connection_params: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.loaders = Loaders(self)

    def uow(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a write transaction; one per mutation field."""
        return self.services.database.unit_of_work(self.actor)

    def now(self) -> datetime:
        """The present instant by the injected clock."""
        return self.services.database.clock()

    async def close(self) -> None:
        """Give the read transaction's connection back."""
        await self.read.close()


def make_context(
    actor: Actor,
    *,
    services: Services,
    language: str | None = None,
    accept_language: str | None = None,
    request_id: str | None = None,
    client: str = "",
) -> Context:
    """A context for one operation of ``actor``. Close it when the operation ends.

    language: the account's own; ``accept_language``, the request's header, goes before it.
    """
    return Context(
        actor=actor,
        services=services,
        language=language_of(accept_language, language),
        request_id=request_id or secrets.token_hex(8),
        client=client,
        read=Reader(services.database.engine, actor.scope),
    )


Info = strawberry.Info[Context, None]
