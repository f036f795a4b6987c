"""Asks as somebody, and holds every answer against what they may be shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from api.auth import Authenticator
from api.context import Context, make_context
from api.feeds import log_sources
from api.live import Feed, FeedHub
from api.nodes import global_id
from domain.community.payments.ports import Vendor
from domain.identity.policies import SecondFactor
from domain.kernel.errors import Unauthenticated
from domain.kernel.uow import Database
from integrations.identity.signing import SigningKeys
from integrations.identity.tokens import AccessTokens
from integrations.identity.vault import open_vault
from integrations.postgres import APP_ROLE, create_engine
from tests.api.matrix.cast import Standing, Who
from tests.api.matrix.documents import schema
from tests.api.matrix.ground import Ground
from tests.api.matrix.reach import may_read
from tests.api.matrix.rows import CANARY, Row, Seeded
from tests.factories.agreements import FakeAgreements
from tests.factories.api import Services
from tests.factories.vendor import vendors

LONG = 300.0
"""Seconds that a transaction here may wait: a listener keeps its own open until the feed is silent."""
REFUSED = {"message": "Please sign in", "extensions": {"code": "UNAUTHENTICATED", "kind": "unauthenticated"}}


OPENED: ContextVar[asyncio.Event | None] = ContextVar("OPENED", default=None)
"""Set when the subscription that is opened in this context has been let in."""


class WatchedHub(FeedHub):
    """A hub that says when a feed was asked of it: all checks are behind then."""

    def feed(self, *arguments: Any, **named: Any) -> Feed:
        """See ``FeedHub``."""
        if (opened := OPENED.get()) is not None:
            opened.set()
        return super().feed(*arguments, **named)


@dataclass(frozen=True)
class Answer:
    """What an operation answered."""

    data: dict[str, Any] | None
    errors: list[dict[str, Any]]

    @property
    def kinds(self) -> set[str]:
        """The kinds of its errors."""
        return {str(error["extensions"]["kind"]) for error in self.errors}

    @property
    def text(self) -> str:
        """All of it."""
        return json.dumps([self.data, self.errors], sort_keys=True, default=str)

    def told(self, alias: str) -> Any:
        """What one alias answered: its value, or its error without its place."""
        for error in self.errors:
            if error.get("path", [alias])[0] == alias:
                return {"message": error["message"], "extensions": error["extensions"]}
        return (self.data or {}).get(alias)


@dataclass
class Stage:
    """The seeded world, opened for one test. ``odd``: everything that should not have been so."""

    ground: Ground
    services: Services
    authenticator: Authenticator
    odd: list[str] = field(default_factory=list)

    @property
    def seeded(self) -> Seeded:
        """The world."""
        return self.ground.seeded

    async def context(self, who: Who) -> Context:
        """A context of ``who``. Raises Unauthenticated."""
        token = None if who.standing is Standing.ANONYMOUS else f"Bearer {self.seeded.tokens[who.name]}"
        identity = await self.authenticator.identify(token)
        return make_context(identity.actor, services=self.services, accept_language="en", request_id="r")

    async def ask(self, who: Who, document: str, **variables: Any) -> Answer:
        """Run ``document`` as ``who``; canaries they may not be shown are noted in ``odd``."""
        try:
            context = await self.context(who)
        except Unauthenticated:
            return Answer(None, [REFUSED])
        try:
            result = await schema().execute(document, variable_values=variables, context_value=context)
        finally:
            await context.close()
        answer = Answer(result.data, [dict(error.formatted) for error in result.errors or ()])
        for error in answer.errors:
            if error["extensions"]["code"] in ("INTERNAL", "BAD_REQUEST"):
                raise AssertionError(f"the matrix asks badly: {error}\n{document}\n{variables}")
        self.scan(who, answer.text)
        return answer

    def scan(self, who: Who, text: str) -> None:
        """Note the canaries in ``text`` that ``who`` may not be shown."""
        self.odd += wrongly_shown(self.seeded, who, text)

    def id_of(self, row: Row) -> str:
        """The row's global id."""
        assert row.shown_as is not None
        return global_id(row.shown_as, row.key)

    @staticmethod
    def ghost_of(type_name: str, key: str) -> str:
        """The id of a row that never was, like ``key``."""
        return global_id(type_name, ".".join([*key.split(".")[:-1], "2147483646"]))


def wrongly_shown(seeded: Seeded, who: Who, text: str) -> list[str]:
    """The canaries in ``text`` that ``who`` may not be shown."""
    found = []
    for canary in sorted(set(CANARY.findall(text))):
        marks = seeded.canaries.get(canary)
        if marks is not None and not any(may_read(who, mark) for mark in marks):
            row, column = marks[0].row, marks[0].column
            found.append(f"{who.name} is shown {row.table}.{column} of {row.place}: {canary}")
    return found


@contextmanager
def without_canaries_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No canary may stand in a log, structured or plain."""
    with capture_logs() as lines:
        yield
    said = f"{lines} {caplog.text}"
    assert not CANARY.search(said), CANARY.findall(said)


@asynccontextmanager
async def open_stage(ground: Ground, *, engine: AsyncEngine | None = None) -> AsyncIterator[Stage]:
    """The world as the API has it; ``engine``: other than the application's own."""
    opened = engine or create_engine(ground.url, role=APP_ROLE, pool_size=24, patience=LONG)
    tokens = AccessTokens(SigningKeys(ground.keys), issuer="https://zhian.test")
    database = Database(opened, clock=lambda: ground.seeded.now)
    feeds = WatchedHub(log_sources(opened), poll_seconds=0.05)
    sealed, paid = await open_vault(ground.keys, opened), vendors(database.clock)
    agreed = FakeAgreements(paid[Vendor.ALIPAY])
    services = Services(database, sealed, tokens, feeds, payments=dict(paid), agreements={Vendor.ALIPAY: agreed})
    yield Stage(ground, services, Authenticator(database, tokens, second_factor=SecondFactor.OPTIONAL))
    await feeds.close()
    await opened.dispose()
