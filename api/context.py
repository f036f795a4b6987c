"""The context of one operation: who asks, in which language, and how to read and write. Never a session in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import strawberry
import structlog

from api.errors import language_of
from api.live import FeedHub
from api.loading import Loaders
from domain.community.payments.autopay.ports import Agreements
from domain.community.payments.ports import Gateways
from domain.identity.audit.watching import Looks, NotRecorded
from domain.identity.ports import Vault
from domain.kernel.actor import Actor
from domain.kernel.uow import Database, Reader, UnitOfWork
from integrations.identity.tokens import AccessTokens

log = structlog.get_logger(__name__)


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
    def payments(self) -> Gateways: ...
    @property
    def agreements(self) -> Agreements: ...
    @property
    def public_url(self) -> str: ...
    @property
    def weak_device_auth(self) -> bool: ...


@dataclass(slots=True)
class Context:
    """One operation's context.

    read: the operation's one read-only transaction, opened at the first read; whoever made the context closes it.
    client: the caller's network address, or its IPv6 network, for rate limits; "" when there is none.
    looks: personal data of others that goes into the answer. declared: kinds of looks that are on record already.
    """

    actor: Actor
    services: Services
    language: str
    request_id: str
    client: str
    read: Reader
    loaders: Loaders = field(init=False)
    looks: Looks = field(default_factory=Looks)
    declared: frozenset[str] = frozenset()
    connection_params: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.loaders = Loaders(self)

    def uow(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a write transaction; one per mutation field."""
        return self.services.database.unit_of_work(self.actor, request_id=self.request_id)

    def now(self) -> datetime:
        """The present instant by the injected clock."""
        return self.services.database.clock()

    def looked_at(
        self, action: str, object_type: str, object_id: int | str, where: Any, homes: Iterable[int | None] = ()
    ) -> None:
        """Personal data of others was read into the answer; see ``Looks.add``."""
        if action not in self.declared:
            self.looks.add(action, object_type, object_id, where, homes)

    def follow(self, opening: Context) -> None:
        """This operation renders an item of a feed: what was put on record when it was opened is not again."""
        self.declared = opening.declared

    async def settle(self) -> None:
        """Put on record what was looked at; committed when this returns. Raises NotRecorded: then show nothing.

        Ends the reads before, as it needs a connection of its own. Without looks at personal data it does nothing.
        """
        acts = self.looks.take()
        if not acts:
            return
        try:
            await self.read.close()
            await self.services.database.record(self.actor, acts, request_id=self.request_id)
        except Exception as error:
            log.exception("audit.not_recorded", request_id=self.request_id)
            raise NotRecorded from error

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
