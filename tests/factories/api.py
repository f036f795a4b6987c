"""Runs GraphQL operations as somebody: a real token, a real actor, a real database; no transport."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from api.auth import Authenticator
from api.context import make_context
from api.live import FeedHub
from api.schema import ZhianSchema, build_schema
from domain.community.payments.autopay.ports import Agreements
from domain.community.payments.ports import Gateways
from domain.identity.policies import SecondFactor
from domain.identity.ports import Vault
from domain.kernel.uow import Database
from integrations.identity.tokens import AccessTokens
from tests.factories.world import Person, World


@cache
def schema() -> ZhianSchema:
    """The schema, built once for all tests."""
    return build_schema()


@dataclass(frozen=True)
class Services:
    """What the API needs of the composition root."""

    database: Database
    vault: Vault
    tokens: AccessTokens
    feeds: FeedHub
    public_url: str = "https://zhian.test"
    weak_device_auth: bool = True
    payments: Gateways = field(default_factory=dict)
    agreements: Agreements = field(default_factory=dict)


@dataclass
class Answer:
    """What an operation answered."""

    data: Any
    errors: list[dict[str, Any]]

    @property
    def codes(self) -> list[str]:
        """The errors' codes."""
        return [error["extensions"]["code"] for error in self.errors]


@dataclass
class Api:
    """Executes operations; ``tokens`` of people are made on first use and kept."""

    services: Services
    world: World
    authenticator: Authenticator = field(init=False)
    _tokens: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.authenticator = Authenticator(
            self.services.database, self.services.tokens, second_factor=SecondFactor.OPTIONAL
        )

    async def token(self, person: Person) -> str:
        """An access token of the person."""
        if person.id not in self._tokens:
            session = await self.world.session(person)
            self._tokens[person.id], _ = self.services.tokens.issue(
                account_id=session.account_id,
                session_id=session.session_id,
                token_version=session.token_version,
                now=self.services.database.clock(),
            )
        return self._tokens[person.id]

    async def ask(
        self,
        operation: str,
        by: Person | str | None = None,
        *,
        language: str = "en",
        client: str = "192.0.2.1",
        **variables: Any,
    ) -> Answer:
        """Run ``operation`` by a person, a token, or nobody."""
        token = await self.token(by) if isinstance(by, Person) else by
        identity = await self.authenticator.identify(f"Bearer {token}" if token is not None else None)
        context = make_context(
            identity.actor,
            services=self.services,
            language=identity.language,
            accept_language=language,
            client=client,
        )
        try:
            result = await schema().execute(operation, variable_values=variables, context_value=context)
            await context.settle()
        finally:
            await context.close()
        return Answer(result.data, [dict(error.formatted) for error in result.errors or ()])
