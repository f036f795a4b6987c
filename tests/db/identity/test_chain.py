"""Refresh tokens: one successor each, reuse ends the session, races change nothing."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from domain.identity.accounts.service import disable_account
from domain.identity.errors import SessionEnded
from domain.identity.sessions.chain import Refreshed, refresh
from domain.identity.sessions.service import or_raise, sign_out
from domain.kernel.actor import ANONYMOUS, Actor, ActorKind
from domain.kernel.errors import DomainError, NotFound, Unauthenticated
from domain.kernel.uow import Database, News
from integrations.identity.vault import EnvelopeVault
from tests.factories.clock import Clock
from tests.factories.world import World


class Chain:
    """Trades refresh tokens, one unit of work each."""

    def __init__(self, database: Database, vault: EnvelopeVault) -> None:
        self.database = database
        self.vault = vault

    async def trade(self, token: str) -> Refreshed | DomainError:
        async with self.database.unit_of_work(ANONYMOUS) as uow:
            return await refresh(uow, vault=self.vault, token=token)

    async def next(self, token: str) -> str:
        return or_raise(await self.trade(token)).refresh_token

    async def ended(self, token: str) -> bool:
        return isinstance(await self.trade(token), SessionEnded)


@pytest.fixture
def chain(clocked: Database, vault: EnvelopeVault) -> Chain:
    return Chain(clocked, vault)


@pytest.fixture
async def first(world: World) -> str:
    return (await world.session(await world.person())).refresh_token


async def reason(superuser: asyncpg.Connection) -> str | None:
    return await superuser.fetchval("select end_reason from session")


async def test_each_token_is_traded_for_a_new_one(chain: Chain, first: str, clock: Clock) -> None:
    seen = [first]
    for _ in range(5):
        clock.advance(minutes=10)
        seen.append(await chain.next(seen[-1]))
    assert len(set(seen)) == 6


async def test_the_immediate_predecessor_gets_the_same_successor_for_thirty_seconds(
    chain: Chain, first: str, clock: Clock, superuser: asyncpg.Connection
) -> None:
    second = await chain.next(first)
    clock.advance(seconds=30)
    assert await chain.next(first) == second
    assert await superuser.fetchval("select count(*) from refresh_token") == 2
    clock.advance(seconds=1)
    assert await chain.ended(first)
    assert await reason(superuser) == "reuse"
    assert await chain.ended(second)


async def test_a_predecessor_whose_successor_was_used_ends_the_session(
    chain: Chain, first: str, superuser: asyncpg.Connection
) -> None:
    second = await chain.next(first)
    third = await chain.next(second)
    assert await chain.ended(first)
    assert await reason(superuser) == "reuse"
    assert await chain.ended(third)


async def test_reuse_is_told_so_that_sockets_end(chain: Chain, first: str, clock: Clock, news: list[News]) -> None:
    await chain.next(first)
    clock.advance(minutes=1)
    news.clear()
    assert await chain.ended(first)
    assert [said.topics for said in news] == [frozenset({"access"})]
    assert len(news[0].accounts) == 1


async def test_traded_at_once_by_two_tabs_both_get_the_same_successor(
    chain: Chain, first: str, superuser: asyncpg.Connection
) -> None:
    successors = await asyncio.gather(*(chain.next(first) for _ in range(8)))
    assert len(set(successors)) == 1
    assert await superuser.fetchval("select count(*) from refresh_token") == 2
    assert await reason(superuser) is None


async def test_a_thief_and_the_owner_at_once_never_get_two_chains(
    chain: Chain, first: str, superuser: asyncpg.Connection
) -> None:
    second = await chain.next(first)
    answers = await asyncio.gather(*(chain.trade(token) for token in (first, second) * 6))
    assert await superuser.fetchval("select count(*) from refresh_token where traded_at is null") == 1
    given = {answer.refresh_token for answer in answers if isinstance(answer, Refreshed)}
    assert len(given) <= 2  # second again, or its successor
    assert await reason(superuser) == "reuse"


async def test_only_the_digest_and_a_sealed_successor_are_stored(
    chain: Chain, first: str, superuser: asyncpg.Connection
) -> None:
    second = await chain.next(first)
    stored = str(await superuser.fetch("select * from refresh_token"))
    assert first not in stored
    assert second not in stored
    await chain.next(second)
    sealed = await superuser.fetch("select id from refresh_token where successor_sealed is not null")
    assert len(sealed) == 1


@pytest.mark.parametrize("token", ["", "zhr_unknown", "é" * 100])
async def test_an_unknown_token_is_refused(chain: Chain, token: str) -> None:
    assert await chain.ended(token)


async def test_an_idle_sign_in_ends_after_thirty_days(chain: Chain, first: str, clock: Clock) -> None:
    clock.advance(days=29)
    second = await chain.next(first)
    clock.advance(days=30)
    assert await chain.ended(second)


async def test_any_sign_in_ends_after_half_a_year(chain: Chain, first: str, clock: Clock) -> None:
    token = first
    for _ in range(7):
        clock.advance(days=25)
        token = await chain.next(token)
    clock.advance(days=5)
    assert await chain.ended(token)


async def test_a_disabled_account_refreshes_nothing(chain: Chain, world: World) -> None:
    person = await world.person()
    session = await world.session(person)
    async with chain.database.unit_of_work(ANONYMOUS) as uow:
        await disable_account(uow, person.id)
    assert await chain.ended(session.refresh_token)


async def leave(database: Database, account: int | None, session: int | None, **how: int | bool) -> None:
    actor = Actor(ActorKind.ACCOUNT, account_id=account, session_id=session)
    async with database.unit_of_work(actor) as uow:
        await sign_out(uow, **how)  # type: ignore[arg-type]


async def test_signing_out_ends_this_session_only(chain: Chain, world: World) -> None:
    person = await world.person()
    here, there = await world.session(person), await world.session(person)
    await leave(chain.database, person.id, here.session_id)
    assert await chain.ended(here.refresh_token)
    assert not await chain.ended(there.refresh_token)
    await leave(chain.database, person.id, here.session_id)  # twice is once


async def test_signing_out_another_session_of_ones_own(chain: Chain, world: World) -> None:
    person = await world.person()
    here, there = await world.session(person), await world.session(person)
    await leave(chain.database, person.id, here.session_id, session_id=there.session_id)
    assert not await chain.ended(here.refresh_token)
    assert await chain.ended(there.refresh_token)


async def test_nobody_signs_out_somebody_else(chain: Chain, world: World) -> None:
    person, other = await world.person(), await world.person()
    here, there = await world.session(person), await world.session(other)
    with pytest.raises(NotFound):
        await leave(chain.database, person.id, here.session_id, session_id=there.session_id)
    assert not await chain.ended(there.refresh_token)


async def test_signing_out_everywhere_ends_all_and_raises_the_token_version(
    chain: Chain, world: World, superuser: asyncpg.Connection
) -> None:
    person, other = await world.person(), await world.person()
    sessions = [await world.session(person) for _ in range(3)]
    untouched = await world.session(other)
    await leave(chain.database, person.id, sessions[0].session_id, everywhere=True)
    for session in sessions:
        assert await chain.ended(session.refresh_token)
    assert not await chain.ended(untouched.refresh_token)
    versions = await superuser.fetch("select id, token_version from account order by id")
    assert {row["id"]: row["token_version"] for row in versions} == {person.id: 2, other.id: 1}


@pytest.mark.parametrize(("account", "session"), [(None, None), (1, None)])
async def test_who_is_not_signed_in_cannot_sign_out(
    clocked: Database, account: int | None, session: int | None
) -> None:
    with pytest.raises(Unauthenticated):
        await leave(clocked, account, session)
