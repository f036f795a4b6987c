"""The gates themselves, on a schema of their own: a refused leaf is null, a refused subscription does not begin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import strawberry
from graphql import ExecutionResult

from api import permissions
from api.permissions import check, enforce, sees
from api.policy import ANONYMOUS, Reach, Rule
from domain.identity.policies import Place
from domain.kernel.actor import ANONYMOUS as NOBODY
from domain.kernel.actor import Actor, ActorKind, Grant, Level, Role
from domain.kernel.errors import NotFound, Unauthenticated

STAFF = Actor(ActorKind.ACCOUNT, account_id=1, grants=(Grant(Role.PROPERTY_STAFF, 4, Level.COMPOUND),))
POLICE = Actor(ActorKind.ACCOUNT, account_id=2, grants=(Grant(Role.COMMUNITY_POLICE, 3, Level.COMMUNITY),))
STAFF_ONLY = Rule(frozenset({Role.PROPERTY_STAFF.value}))


@dataclass
class Context:
    actor: Actor


@strawberry.type
class Person:
    """Somebody with a secret."""

    @strawberry.field
    def secret(self) -> str | None:
        return "secret"


@strawberry.type
class Query:
    """One open root."""

    @strawberry.field
    def person(self) -> Person:
        return Person()


@strawberry.type
class Subscription:
    """One stream."""

    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        yield 1


@pytest.fixture
def schema(monkeypatch: pytest.MonkeyPatch) -> strawberry.Schema:
    both = Rule(frozenset({Role.PROPERTY_STAFF.value, Role.COMMUNITY_POLICE.value}))
    monkeypatch.setattr(permissions, "ROOTS", {"Query.person": both, "Subscription.ticks": STAFF_ONLY})
    monkeypatch.setattr(permissions, "LEAVES", {"Person.secret": STAFF_ONLY})
    made = strawberry.Schema(Query, subscription=Subscription)
    enforce(made)
    return made


@pytest.mark.parametrize(("actor", "seen"), [(STAFF, "secret"), (POLICE, None)])
async def test_a_refused_leaf_is_null(schema: strawberry.Schema, actor: Actor, seen: str | None) -> None:
    result = await schema.execute("{ person { secret } }", context_value=Context(actor))
    assert result.errors is None
    assert result.data == {"person": {"secret": seen}}


async def test_a_refused_subscription_does_not_begin(schema: strawberry.Schema) -> None:
    async def first(actor: Actor) -> ExecutionResult:
        stream = await schema.subscribe("subscription { ticks }", context_value=Context(actor))
        async for result in stream:  # type: ignore[union-attr]
            return result  # type: ignore[return-value]
        raise AssertionError("nothing came")

    assert (await first(STAFF)).data == {"ticks": 1}
    refused = await first(POLICE)
    assert refused.data is None
    assert refused.errors is not None
    assert isinstance(refused.errors[0].original_error, NotFound)


def test_no_rule_lets_nobody_pass() -> None:
    with pytest.raises(NotFound):
        check(STAFF, None)
    with pytest.raises(Unauthenticated):
        check(NOBODY, None)
    check(NOBODY, Rule(frozenset({ANONYMOUS})))


def test_a_secret_is_seen_by_its_owner_and_where_a_role_lets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule(frozenset({"guest"}), Reach.SELF, others=frozenset({Role.PROPERTY_STAFF.value}))
    monkeypatch.setattr(permissions, "LEAVES", {"Person.secret": rule})
    here, elsewhere = Place(1, 2, 3, 4), Place(1, 2, 3, 5)
    assert sees(POLICE, "Person.secret", own=True, places=())
    assert sees(STAFF, "Person.secret", own=False, places=(elsewhere, here))
    assert not sees(STAFF, "Person.secret", own=False, places=(elsewhere,))
    assert not sees(POLICE, "Person.secret", own=False, places=(here,))
