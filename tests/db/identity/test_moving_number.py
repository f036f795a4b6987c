"""Moving a lost number: asked by those who keep the person, confirmed by who holds the new one."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from domain.identity.accounts.service import disable_account
from domain.identity.errors import NumbersInWords, OwnRole, WrongCode
from domain.identity.numbers import moving
from domain.identity.numbers.errors import MoveIncomplete, NoMove, NumberInUse
from domain.identity.numbers.retention import forget_moves
from domain.identity.roles.service import revoke_role
from domain.identity.sessions.service import request_code
from domain.kernel.actor import ANONYMOUS, Actor, Role
from domain.kernel.errors import Forbidden, Limited, NotFound, Unauthenticated
from tests.db.identity.numbers_kit import NEW, OTHER, Numbers
from tests.db.identity.test_authenticators import enter
from tests.db.identity.test_changing_number import BLOCKING
from tests.db.identity.test_codes import wrong
from tests.db.identity.test_standing import actor_of, resolve
from tests.factories.authenticators import enrolled
from tests.factories.clock import Clock
from tests.factories.waiting import until_blocked
from tests.factories.world import Person, World


@pytest.fixture
def numbers(world: World) -> Numbers:
    return Numbers(world)


async def keeper(world: World, role: Role = Role.PROPERTY_MANAGER, area: str = "a111") -> Actor:
    return await actor_of(world, await world.with_role(role, area))


async def code(numbers: Numbers, phone: str = NEW) -> str:
    return (await numbers.codes())[phone, "move_to"]


async def test_a_lost_number_is_moved(world: World, numbers: Numbers, superuser: asyncpg.Connection) -> None:
    manager, person = await keeper(world), await world.living_in("a111/1")
    await enrolled(world, person)
    lost = await world.session(person)
    asked = await numbers.ask(manager, person)
    assert (asked.expires_at - world.database.clock()).total_seconds() == 24 * 3600
    assert not asked.others_needed
    assert (await resolve(world, person, lost)).account_id == person.id  # nothing has happened yet
    await numbers.confirm(await code(numbers))
    assert await numbers.told() == [(person.phone, "move_asked"), (person.phone, "moved")]
    with pytest.raises(Unauthenticated):
        await resolve(world, person, lost)
    assert (await world.session(Person(person.id, NEW))).account_id == person.id
    assert await superuser.fetchval("select outcome from number_move") == "moved"
    assert await superuser.fetchval("select count(*) from authenticator") == 0
    acts = await superuser.fetch(
        "select action, chain, account_id, details from audit_entry where action like 'account.%' order by sequence"
    )
    assert [(act["action"], act["chain"], act["account_id"]) for act in acts] == [
        ("account.move_asked", world.areas["a111"], manager.account_id),
        ("account.number_moved", world.areas["a111"], person.id),
    ]
    assert json.loads(acts[0]["details"]) == {"proof": "id_card", "note": "本人到场"}
    with pytest.raises(WrongCode):
        await numbers.confirm(await code(numbers))


async def test_who_may_ask(world: World, numbers: Numbers) -> None:
    resident, stranger = await world.living_in("a111/1"), await world.living_in("a112/1")
    person = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    manager = await actor_of(world, person)
    for actor, whom, error in (
        (manager, stranger, NotFound),
        (manager, person, OwnRole),
        (await keeper(world, Role.PROPERTY_STAFF), resident, Forbidden),
        (await keeper(world, Role.TOWN_OPERATOR, "a1"), resident, NotFound),
    ):
        with pytest.raises(error):
            await numbers.ask(actor, whom)
    with pytest.raises(NumbersInWords):
        await numbers.ask(manager, resident, note="身份证 330102199001011234")
    assert await numbers.told() == []


async def test_who_brings_a_stranger_in_cannot_take_over_what_they_are_elsewhere(
    world: World, numbers: Numbers, clock: Clock, superuser: asyncpg.Connection
) -> None:
    stranger = await world.living_in("b111/1")
    await world.with_role(Role.SERVICE_WORKER, "a111", stranger)
    assert (await numbers.ask(await keeper(world), stranger)).others_needed
    with pytest.raises(MoveIncomplete):
        await numbers.confirm(await code(numbers))
    assert (await world.session(stranger)).account_id == stranger.id
    clock.advance(minutes=1)
    there = await keeper(world, area="b111")
    assert not (await numbers.ask(there, stranger)).others_needed  # the office of their home gives its word too
    await numbers.confirm(await code(numbers))
    assert await superuser.fetchval("select cardinality(vouchers) from number_move") == 2
    assert [what for _, what in await numbers.told()] == ["move_asked", "moved"]


async def test_a_word_counts_as_its_giver_stands_at_the_end(world: World, numbers: Numbers) -> None:
    office = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    manager, person = await actor_of(world, office), await world.living_in("a111/1")
    await numbers.ask(manager, person)
    async with world.database.unit_of_work(world.everywhere) as uow:
        await revoke_role(uow, grant_id=await world.grant_id(office))
    with pytest.raises(MoveIncomplete):
        await numbers.confirm(await code(numbers))


async def test_the_word_of_a_disabled_keeper_counts_no_more(world: World, numbers: Numbers) -> None:
    office = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    manager, person = await actor_of(world, office), await world.living_in("a111/1")
    await numbers.ask(manager, person)
    async with world.database.unit_of_work(world.everywhere) as uow:
        await disable_account(uow, office.id)
    with pytest.raises(MoveIncomplete):
        await numbers.confirm(await code(numbers))


async def test_a_role_given_meanwhile_needs_another_word(world: World, numbers: Numbers) -> None:
    manager, person = await keeper(world), await world.living_in("a111/1")
    assert not (await numbers.ask(manager, person)).others_needed
    await world.with_role(Role.COMMUNITY_POLICE, "a11", person)
    with pytest.raises(MoveIncomplete):
        await numbers.confirm(await code(numbers))


async def test_the_holder_of_the_old_number_refuses(world: World, numbers: Numbers) -> None:
    manager, person = await keeper(world), await world.living_in("a111/1")
    actor = await actor_of(world, person)
    assert not await numbers.refuse(actor)
    await numbers.ask(manager, person)
    assert await numbers.refuse(actor)
    with pytest.raises(NoMove):
        await numbers.confirm(await code(numbers))
    assert await actor_of(world, person)


async def test_it_is_over_after_a_day(world: World, numbers: Numbers, clock: Clock) -> None:
    manager, person = await keeper(world), await world.living_in("a111/1")
    await numbers.ask(manager, person)
    clock.advance(hours=23, minutes=58)
    asked = await numbers.ask(manager, person)  # asked again: another code, the same day
    assert (asked.expires_at - clock()).total_seconds() == 120
    clock.advance(minutes=2)
    with pytest.raises(NoMove):
        await numbers.confirm(await code(numbers))


async def test_another_number_replaces_the_first(world: World, numbers: Numbers, superuser: asyncpg.Connection) -> None:
    manager, person = await keeper(world), await world.living_in("a111/1")
    await numbers.ask(manager, person, OTHER)
    await numbers.ask(manager, person)
    with pytest.raises(NoMove):
        await numbers.confirm(await code(numbers, OTHER), OTHER)
    await numbers.confirm(await code(numbers))
    rows = await superuser.fetch("select outcome from number_move order by id")
    assert [row["outcome"] for row in rows] == ["replaced", "moved"]


async def test_who_asks_does_not_learn_whose_number_it_is(world: World, numbers: Numbers, clock: Clock) -> None:
    manager, person, other = await keeper(world), await world.living_in("a111/1"), await world.living_in("a112/1")
    free = await numbers.ask(manager, person)
    taken = await numbers.ask(manager, person, other.phone)
    own = await numbers.ask(manager, person, person.phone)
    assert free == taken == own
    clock.advance(minutes=1)
    await numbers.ask(manager, person, other.phone)
    with pytest.raises(NumberInUse):
        await numbers.confirm(await code(numbers, other.phone), other.phone)
    assert (await world.session(person)).account_id == person.id


async def test_a_number_taken_in_between_is_not_taken_twice(world: World, numbers: Numbers) -> None:
    first, second = await keeper(world), await keeper(world, area="a112")
    people = [await world.living_in("a111/1"), await world.living_in("a112/1")]
    await numbers.ask(first, people[0])
    given = await code(numbers)
    with pytest.raises(Limited):  # one code a minute for a number
        await numbers.ask(second, people[1])
    newcomer = await world.living_in("a111/2", person=Person(0, NEW))
    with pytest.raises(NumberInUse):
        await numbers.confirm(given)
    assert (await world.session(newcomer)).account_id not in {each.id for each in people}


async def test_two_keepers_at_once_leave_one_open_move(
    world: World, numbers: Numbers, superuser: asyncpg.Connection
) -> None:
    person = await world.living_in("a111/1")
    keepers = [await keeper(world), await keeper(world)]
    await asyncio.gather(*(numbers.ask(each, person, phone) for each, phone in zip(keepers, (NEW, OTHER), strict=True)))
    rows = await superuser.fetch("select outcome from number_move order by id")
    assert [row["outcome"] for row in rows] == ["replaced", None]


async def test_confirmed_twice_at_once_it_moves_once(
    world: World, numbers: Numbers, superuser: asyncpg.Connection
) -> None:
    manager, person = await keeper(world), await world.living_in("a111/1")
    await numbers.ask(manager, person)
    given = await code(numbers)
    with pytest.raises(WrongCode):
        await numbers.confirm(wrong(given))
    outcomes = await asyncio.gather(numbers.confirm(given), numbers.confirm(given), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["NoneType", "WrongCode"]
    assert await superuser.fetchval("select token_version from account where id = $1", person.id) == 2


async def test_refused_at_the_same_moment_it_does_not_move(
    world: World, numbers: Numbers, superuser: asyncpg.Connection
) -> None:
    manager, person = await keeper(world), await world.living_in("a111/1")
    await numbers.ask(manager, person)
    async with superuser.transaction():
        await superuser.execute("select from account where id = $1 for update", person.id)
        confirm = asyncio.create_task(numbers.confirm(await code(numbers)))
        while not await superuser.fetchval(BLOCKING):  # noqa: ASYNC110 - the lock tells nobody
            await asyncio.sleep(0)
        await superuser.execute("update number_move set closed_at = now(), outcome = 'refused'")
    with pytest.raises(NoMove):
        await confirm
    assert (await world.session(person)).account_id == person.id
    with pytest.raises(Unauthenticated):
        await numbers.refuse(ANONYMOUS)


@pytest.mark.parametrize("proven", [False, True], ids=["sms", "sms and authenticator"])
async def test_a_sign_in_by_the_lost_card_at_the_moment_of_the_move_opens_nothing(
    world: World, numbers: Numbers, superuser: asyncpg.Connection, proven: bool
) -> None:
    manager, person = await keeper(world), await world.living_in("a111/1")
    shown = (await enrolled(world, person))[0].code() if proven else ""
    async with world.database.unit_of_work(ANONYMOUS) as uow:
        await request_code(uow, vault=world.vault, phone=person.phone, client="", language="en")
    await numbers.ask(manager, person)
    codes = await numbers.codes()
    async with world.database.unit_of_work(ANONYMOUS) as uow:
        await moving.confirm(uow, vault=world.vault, phone=NEW, code=codes[NEW, "move_to"], client="")
        late = asyncio.create_task(enter(world, person, codes[person.phone, "sign_in"], shown))
        await until_blocked(superuser, late)
    assert isinstance(await late, WrongCode)
    standing = "select count(*) from session where account_id = $1 and ended_at is null"
    assert await superuser.fetchval(standing, person.id) == 0
    assert isinstance(await enter(world, person, codes[person.phone, "sign_in"]), WrongCode)  # and it is used up


async def test_moves_are_forgotten_thirty_days_after(
    world: World, numbers: Numbers, clock: Clock, superuser: asyncpg.Connection
) -> None:
    manager = await keeper(world)
    await numbers.ask(manager, await world.living_in("a111/1"))
    for days, left in ((31, 1), (0, 0)):
        clock.advance(days=days, seconds=1 - days // 31)
        async with world.database.unit_of_work(world.everywhere) as uow:
            await forget_moves(uow, limit=10)
        assert await superuser.fetchval("select count(*) from number_move") == left
