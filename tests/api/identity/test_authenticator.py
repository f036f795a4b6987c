"""Actors are asked of the database once a second at most, and at once when something changed."""

from __future__ import annotations

import asyncpg
import pytest

from api.auth import CACHE_SECONDS, Authenticator
from domain.identity.policies import SecondFactor
from domain.kernel.actor import Role
from domain.kernel.errors import Unauthenticated
from tests.factories.api import Api
from tests.factories.clock import Clock
from tests.factories.world import Person, World


class Ticks:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def authenticator(api: Api, ticks: Ticks) -> Authenticator:
    return Authenticator(api.services.database, api.services.tokens, second_factor=SecondFactor.OPTIONAL, tick=ticks)


@pytest.fixture
async def person(world: World) -> Person:
    return await world.with_role(Role.PROPERTY_STAFF, "a111")


REVOKE = "update role_grant set revoked_at = now()"


async def test_an_answer_is_kept_for_a_second(
    authenticator: Authenticator, ticks: Ticks, api: Api, person: Person, superuser: asyncpg.Connection
) -> None:
    header = f"Bearer {await api.token(person)}"
    assert (await authenticator.authenticate(header)).roles == {"property_staff"}
    await superuser.execute(REVOKE)
    ticks.now = CACHE_SECONDS - 0.01
    assert (await authenticator.authenticate(header)).roles == {"property_staff"}
    ticks.now = CACHE_SECONDS
    assert (await authenticator.authenticate(header)).roles == {"guest"}


@pytest.mark.parametrize("named", [True, False])
async def test_news_makes_a_change_act_at_once(
    authenticator: Authenticator, api: Api, person: Person, superuser: asyncpg.Connection, named: bool
) -> None:
    header = f"Bearer {await api.token(person)}"
    await authenticator.authenticate(header)
    await superuser.execute(REVOKE)
    authenticator.forget([person.id + 1000])
    assert (await authenticator.authenticate(header)).roles == {"property_staff"}
    authenticator.forget([person.id] if named else [])
    assert (await authenticator.authenticate(header)).roles == {"guest"}


async def test_an_answer_older_than_the_news_is_not_kept(
    authenticator: Authenticator,
    api: Api,
    person: Person,
    superuser: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The row was read, then the role is revoked and told, then the reading returns."""
    from api import auth

    read = auth.resolve_actor

    async def slow(*args: object, **kwargs: object) -> object:
        found = await read(*args, **kwargs)  # type: ignore[arg-type]
        await superuser.execute(REVOKE)
        authenticator.forget([person.id])
        return found

    header = f"Bearer {await api.token(person)}"
    monkeypatch.setattr(auth, "resolve_actor", slow)
    await authenticator.authenticate(header)
    monkeypatch.setattr(auth, "resolve_actor", read)
    assert (await authenticator.authenticate(header)).roles == {"guest"}


async def test_an_open_socket_ends_with_its_token_its_session_or_its_account(
    authenticator: Authenticator, api: Api, person: Person, clock: Clock, superuser: asyncpg.Connection
) -> None:
    identity = await authenticator.identify(f"Bearer {await api.token(person)}")
    assert identity.language == "zh-CN"
    assert identity.expires_at is not None
    assert await authenticator.again(identity) == identity
    await superuser.execute("update session set ended_at = now()")
    authenticator.forget([person.id])
    with pytest.raises(Unauthenticated):
        await authenticator.again(identity)
    await superuser.execute("update session set ended_at = null")
    assert await authenticator.again(identity) == identity
    clock.advance(minutes=15)
    with pytest.raises(Unauthenticated):
        await authenticator.again(identity)


async def test_the_anonymous_stay_anonymous(authenticator: Authenticator) -> None:
    nobody = await authenticator.identify(None)
    assert nobody.expires_at is None
    assert await authenticator.again(nobody) is nobody


async def test_the_memory_is_bounded(
    authenticator: Authenticator, api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.auth.CACHE_SIZE", 2)
    for _ in range(5):
        await authenticator.authenticate(f"Bearer {await api.token(await world.person())}")
    assert len(authenticator._known) <= 2
