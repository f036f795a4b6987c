"""Changing one's own number: both numbers proven, other sign-ins ended, the old number told."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from domain.identity.authenticators.errors import SecondFactorNeeded, WrongAuthenticatorCode
from domain.identity.errors import InvalidPhone, WrongCode
from domain.identity.numbers.errors import NumberInUse, SameNumber
from domain.identity.sessions.service import request_code
from domain.kernel.actor import ANONYMOUS, Actor
from domain.kernel.errors import Limited, Unauthenticated
from tests.db.identity.numbers_kit import NEW, OTHER, Numbers
from tests.db.identity.test_codes import wrong
from tests.db.identity.test_standing import resolve
from tests.factories.authenticators import enrolled
from tests.factories.clock import Clock
from tests.factories.world import Person, World


@pytest.fixture
def numbers(world: World) -> Numbers:
    return Numbers(world)


async def signed_in(world: World) -> tuple[Person, Actor]:
    person = await world.living_in("a111/1")
    return person, await resolve(world, person, await world.session(person))


async def both(numbers: Numbers, person: Person, new: str = NEW) -> tuple[str, str]:
    codes = await numbers.codes()
    return codes[person.phone, "change_from"], codes[new, "change_to"]


async def test_a_number_is_changed_with_both_codes(
    world: World, numbers: Numbers, superuser: asyncpg.Connection
) -> None:
    person, actor = await signed_in(world)
    elsewhere = await world.session(person)
    await numbers.request(actor)
    await numbers.change(actor, *await both(numbers, person))
    assert await numbers.told() == [(person.phone, "changed")]
    with pytest.raises(Unauthenticated):
        await resolve(world, person, elsewhere)
    assert await superuser.fetchval("select count(*) from session where ended_at is null") == 1  # where it was done
    new = Person(person.id, NEW)
    assert (await world.session(new)).account_id == person.id  # found by the new number, and no longer by the old
    assert (await world.session(person)).account_id != person.id
    stored = await superuser.fetchval("select phone_sealed from account where id = $1", person.id)
    assert await world.vault.open(stored, f"account|phone|{person.id}") == NEW
    assert await superuser.fetchval("select count(*) from audit_entry where action = 'account.number_changed'") == 1


async def test_each_code_is_for_its_number_its_purpose_and_its_account(world: World, numbers: Numbers) -> None:
    (person, actor), (_, another) = await signed_in(world), await signed_in(world)
    await numbers.request(actor)
    old, new = await both(numbers, person)
    for given, field in (((wrong(old), new), "oldCode"), ((old, wrong(new)), "newCode"), ((new, old), "oldCode")):
        with pytest.raises(WrongCode) as error:
            await numbers.change(actor, *given)
        assert error.value.field == field
    with pytest.raises(WrongCode):
        await numbers.change(another, old, new)  # somebody else's
    with pytest.raises(WrongCode):
        await numbers.change(actor, old, new, phone=OTHER)
    with pytest.raises(WrongCode):
        await numbers.confirm(new)  # for another purpose
    for given in ((wrong(old), new), (old, new)):  # five tries of the old one are over, then
        with pytest.raises(WrongCode):
            await numbers.change(actor, *given)


async def test_a_sign_in_code_changes_nothing_and_lives_beside(world: World, numbers: Numbers, clock: Clock) -> None:
    person, actor = await signed_in(world)
    await numbers.request(actor)
    clock.advance(minutes=1)
    async with world.database.unit_of_work(ANONYMOUS) as uow:
        await request_code(uow, vault=world.vault, phone=person.phone, client="", language="en")
    _, new = await both(numbers, person)
    with pytest.raises(WrongCode):
        await numbers.change(actor, (await numbers.codes())[person.phone, "sign_in"], new)
    clock.advance(minutes=3, seconds=59)
    await numbers.change(actor, *await both(numbers, person))


async def test_both_codes_live_five_minutes(world: World, numbers: Numbers, clock: Clock) -> None:
    person, actor = await signed_in(world)
    await numbers.request(actor)
    clock.advance(minutes=5)
    with pytest.raises(WrongCode):
        await numbers.change(actor, *await both(numbers, person))


async def test_the_authenticator_is_asked_for_too(world: World, numbers: Numbers) -> None:
    person = await world.living_in("a111/1")
    app, _ = await enrolled(world, person)
    actor = await resolve(world, person, await world.session(person))
    await numbers.request(actor)
    codes = await both(numbers, person)
    for _ in range(6):  # both codes stay good
        with pytest.raises(SecondFactorNeeded):
            await numbers.change(actor, *codes)
    with pytest.raises(WrongAuthenticatorCode):
        await numbers.change(actor, *codes, shown=app.wrong())
    await numbers.change(actor, *codes, shown=app.code())
    assert (await world.session(Person(person.id, NEW))).account_id == person.id


async def test_the_number_of_somebody_else_is_told_only_to_who_holds_it(
    world: World, numbers: Numbers, superuser: asyncpg.Connection
) -> None:
    (person, actor), other = await signed_in(world), await world.living_in("a112/1")
    await numbers.request(actor, other.phone)  # as for any number
    with pytest.raises(NumberInUse):
        await numbers.change(actor, *await both(numbers, person, other.phone), phone=other.phone)
    assert await numbers.told() == []
    assert (await world.session(person)).account_id == person.id
    assert await superuser.fetchval("select count(*) from sign_in_code where used_at is null") == 0


async def test_an_account_that_never_was_anything_gives_its_number_up(
    world: World, numbers: Numbers, superuser: asyncpg.Connection
) -> None:
    person, actor = await signed_in(world)
    empty = Person((await world.session(Person(0, NEW))).account_id, NEW)  # signed in with the new card first
    await numbers.request(actor)
    await numbers.change(actor, *await both(numbers, person))
    assert (await world.session(empty)).account_id == person.id
    row = await superuser.fetchrow("select disabled_at is not null as gone from account where id = $1", empty.id)
    assert row is not None
    assert row["gone"]
    assert await superuser.fetchval("select end_reason from session where account_id = $1", empty.id) == (
        "number_given_up"
    )


BLOCKING = "select exists (select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)))"


async def test_a_number_taken_at_the_same_moment_is_in_use(
    world: World, numbers: Numbers, superuser: asyncpg.Connection
) -> None:
    person, actor = await signed_in(world)
    await numbers.request(actor)
    taken = "insert into account (phone_index, phone_sealed, name) values ($1, '', '')"
    async with superuser.transaction():
        await superuser.execute(taken, world.vault.index("account.phone", NEW))
        change = asyncio.create_task(numbers.change(actor, *await both(numbers, person)))
        while not await superuser.fetchval(BLOCKING):  # noqa: ASYNC110 - the lock tells nobody
            await asyncio.sleep(0)
    with pytest.raises(NumberInUse):
        await change
    assert (await world.session(person)).account_id == person.id
    assert await numbers.told() == []


async def test_what_is_refused_at_once(world: World, numbers: Numbers, clock: Clock) -> None:
    person, actor = await signed_in(world)
    with pytest.raises(SameNumber):
        await numbers.request(actor, person.phone)
    with pytest.raises(InvalidPhone):
        await numbers.request(actor, "123")
    with pytest.raises(Unauthenticated):
        await numbers.request(ANONYMOUS)
    for n in range(4):
        await numbers.request(actor, f"+861380000010{n}")
        clock.advance(minutes=1)
    with pytest.raises(Limited):  # each is a code to the old number too, and it gets so many
        await numbers.request(actor, OTHER)
