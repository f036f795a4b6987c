"""From an Authorization header to an actor, asked of the database at every request, or of the last second's answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.identity.policies import SecondFactor
from domain.identity.queries import identity_scope, resolve_actor
from domain.kernel.actor import ANONYMOUS, Actor
from domain.kernel.errors import Unauthenticated
from domain.kernel.uow import Database
from integrations.identity.tokens import AccessTokens, Claims

CACHE_SECONDS = 1.0
CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request is by. ``claims`` is None for the anonymous; sockets end at ``expires_at``."""

    actor: Actor
    language: str | None = None
    claims: Claims | None = None

    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends; None for the anonymous."""
        return self.claims.expires_at if self.claims is not None else None


NOBODY = Identity(ANONYMOUS)


def bearer(authorization: str) -> str:
    """The token in an Authorization header. Raises Unauthenticated for another scheme."""
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


class Authenticator:
    """Verifies tokens and resolves actors, remembering each answer for a second at most.

    second_factor: of whom an authenticator is asked.
    ``forget`` at "access" news makes a revoked role or an ended session act at once in this process.
    """

    def __init__(
        self,
        database: Database,
        tokens: AccessTokens,
        *,
        second_factor: SecondFactor,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._second_factor = second_factor
        self._tick = tick
        self._known: dict[tuple[int, int, int], tuple[float, Identity]] = {}
        self._forgotten = 0

    async def authenticate(self, authorization: str | None) -> Actor:
        """The actor behind a header; the anonymous one without a header. Raises Unauthenticated."""
        return (await self.identify(authorization)).actor

    async def identify(self, authorization: str | None) -> Identity:
        """Like ``authenticate``, with the language and the token's end."""
        if authorization is None:
            return NOBODY
        return await self._resolve(self._tokens.verify(bearer(authorization), self._database.clock()))

    async def again(self, identity: Identity) -> Identity:
        """The identity as it is now, for open sockets. Raises Unauthenticated when the sign-in no longer stands."""
        if identity.claims is None:
            return identity
        if identity.claims.expires_at <= self._database.clock():
            raise Unauthenticated
        return await self._resolve(identity.claims)

    def forget(self, accounts: Iterable[int] = ()) -> None:
        """Ask the database again for these accounts; for all when none is named."""
        self._forgotten += 1
        gone = set(accounts)
        self._known = {key: kept for key, kept in self._known.items() if gone and key[0] not in gone}

    async def _resolve(self, claims: Claims) -> Identity:
        key = (claims.account_id, claims.session_id, claims.token_version)
        kept = self._known.get(key)
        started = self._tick()
        if kept is not None and started - kept[0] < CACHE_SECONDS:
            return Identity(kept[1].actor, kept[1].language, claims)
        generation = self._forgotten
        async with self._database.reader(identity_scope(claims.account_id)) as reader:
            found = await resolve_actor(
                reader,
                account_id=claims.account_id,
                session_id=claims.session_id,
                token_version=claims.token_version,
                now=self._database.clock(),
                second_factor=self._second_factor,
            )
        identity = Identity(found.actor, found.language, claims)
        if generation == self._forgotten:  # else the answer may be older than what was to be forgotten
            if len(self._known) >= CACHE_SIZE:
                self._known.clear()
            self._known[key] = (started, identity)
        return identity
