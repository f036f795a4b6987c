"""Who holds an official's number alone puts no authenticator to use: a code of somebody above them is asked for too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import typer

from cli.authenticator import code_for, told
from cli.people import make_operator
from domain.identity.authenticators import service
from domain.identity.authenticators.allowing import ShownCode
from domain.identity.authenticators.errors import (
    AlreadyEnrolled,
    EnrolmentCodeNeeded,
    NoAuthenticator,
    WrongAuthenticatorCode,
    WrongEnrolmentCode,
)
from domain.identity.authenticators.issuing import issue
from domain.identity.authenticators.resetting import reset
from domain.identity.authenticators.rules import MOST_ENROLMENT_TRIES
from domain.identity.errors import OwnRole
from domain.identity.retention import forget_enrolment_codes
from domain.identity.sessions.service import or_raise
from domain.kernel.actor import Actor, HomeRole, Role
from domain.kernel.errors import DomainError, Forbidden, NotFound, Unauthenticated
from integrations.settings import Settings
from tests.db.identity.test_standing import actor_of
from tests.factories.authenticators import App, enrolled, scan, signed_in
from tests.factories.clock import Clock
from tests.factories.ingest import settings_for
from tests.factories.waiting import until_blocked
from tests.factories.world import Person, World

WRONG = "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF"


async def waiting(world: World, person: Person) -> Actor:
    """The person on a new sign-in where a second factor is required: what they hold waits for it."""
    return replace(await signed_in(world, person), lacks_second_factor=True)


async def begun(world: World, person: Person) -> tuple[Actor, App]:
    """Somebody who holds the person's number has scanned a secret."""
    actor = await waiting(world, person)
    async with world.database.unit_of_work(actor) as uow:
        return actor, scan(world, (await service.enrol(uow, vault=world.vault)).secret)


async def outcome(world: World, actor: Actor, code: str, enrolment_code: str = "") -> Sequence[str] | DomainError:
    async with world.database.unit_of_work(actor) as uow:
        return await service.confirm(uow, vault=world.vault, code=code, enrolment_code=enrolment_code)


async def shown(world: World, by: Actor, person: Person) -> str:
    async with world.database.unit_of_work(by) as uow:
        return (await issue(uow, vault=world.vault, account_id=person.id)).code


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.with_role(Role.PROPERTY_STAFF, "a111")


@pytest.fixture
async def manager(world: World) -> Actor:
    return await actor_of(world, await world.with_role(Role.PROPERTY_MANAGER, "a111"))


async def test_the_number_alone_takes_no_role(world: World, staff: Person, superuser: asyncpg.Connection) -> None:
    actor, app = await begun(world, staff)
    for given in ("", " - "):
        with pytest.raises(EnrolmentCodeNeeded) as error:
            await outcome(world, actor, app.code(), given)
    assert (error.value.message("en"), "绑定码" in error.value.message("zh-CN")) == (
        "Please add the enrolment code; whoever gave you your role can show you one",
        True,
    )
    assert isinstance(await outcome(world, actor, app.code(), WRONG), WrongEnrolmentCode)
    assert await superuser.fetchval("select confirmed_at from authenticator") is None


async def test_with_a_code_of_somebody_above_it_is_put_to_use_once(
    world: World, staff: Person, manager: Actor, superuser: asyncpg.Connection
) -> None:
    actor, app = await begun(world, staff)
    code = await shown(world, manager, staff)
    assert isinstance(await outcome(world, actor, app.wrong(), code), WrongAuthenticatorCode)  # the code stays good
    assert len(or_raise(await outcome(world, actor, app.code(), code.lower().replace("-", " ")))) == 10
    assert await superuser.fetchval("select count(*) from enrolment_code") == 0
    acts = await superuser.fetch(
        "select account_id, chain, object_id from audit_entry where action = 'authenticator.allowed'"
    )
    assert [tuple(act) for act in acts] == [(manager.account_id, world.areas["a111"], str(staff.id))]
    with pytest.raises(AlreadyEnrolled):
        await shown(world, manager, staff)


async def test_an_enrolment_that_began_before_the_role_was_given_needs_it_too(world: World) -> None:
    person = await world.person()
    actor, app = await begun(world, person)
    await world.with_role(Role.COMMUNITY_POLICE, "a11", person)
    with pytest.raises(EnrolmentCodeNeeded):
        await outcome(world, actor, app.code())


async def test_residents_workers_and_where_none_is_required_need_none(world: World, staff: Person) -> None:
    resident = await world.living_in("a111/1")
    await world.with_role(Role.SERVICE_WORKER, "a112", resident)
    actor, app = await begun(world, resident)
    or_raise(await outcome(world, actor, app.code()))
    optional, app = await begun(world, staff)
    or_raise(await outcome(world, replace(optional, lacks_second_factor=False), app.code()))


async def test_a_code_dies_with_its_fifth_wrong_try_a_newer_one_and_a_day(
    world: World, staff: Person, manager: Actor, clock: Clock, superuser: asyncpg.Connection
) -> None:
    actor, app = await begun(world, staff)
    earlier, code = await shown(world, manager, staff), await shown(world, manager, staff)
    for tried in (earlier, *[WRONG] * (MOST_ENROLMENT_TRIES - 1), code):
        assert isinstance(await outcome(world, actor, app.code(), tried), WrongEnrolmentCode)
    refused = "select count(*) from audit_entry where action = 'authenticator.refused'"
    assert await superuser.fetchval(refused) == MOST_ENROLMENT_TRIES + 1
    code = await shown(world, manager, staff)
    clock.advance(days=1)
    actor, app = await begun(world, staff)
    assert isinstance(await outcome(world, actor, app.code(), code), WrongEnrolmentCode)
    async with world.database.unit_of_work(world.everywhere) as uow:
        assert await forget_enrolment_codes(uow, limit=9) == 1


async def test_a_code_is_its_accounts_own_and_does_not_stand_in_clear(
    world: World, staff: Person, manager: Actor, superuser: asyncpg.Connection
) -> None:
    other = await world.with_role(Role.PROPERTY_STAFF, "a111")
    code, _ = await shown(world, manager, other), await shown(world, manager, staff)
    actor, app = await begun(world, staff)
    assert isinstance(await outcome(world, actor, app.code(), code), WrongEnrolmentCode)
    for table in ("enrolment_code", "audit_entry", "outbox_event"):
        everything = str(await superuser.fetch(f"select t::text from {table} t"))
        assert code not in everything
        assert code.replace("-", "") not in everything


async def test_who_shows_one_stands_above_every_role_that_waits(world: World, staff: Person, manager: Actor) -> None:
    """Where the person lives, or works, does not matter: that is not what the code protects."""
    town = await actor_of(world, await world.with_role(Role.TOWN_OPERATOR, "a1"))
    await world.living_in("b111/1", HomeRole.OWNER, person=staff)
    await world.with_role(Role.SERVICE_WORKER, "b111", staff)
    assert await shown(world, manager, staff)
    await world.with_role(Role.PROPERTY_STAFF, "a112", staff)
    with pytest.raises(Forbidden):
        await shown(world, manager, staff)
    assert await shown(world, town, staff)
    resident = await world.living_in("a111/1")
    with pytest.raises(Forbidden):  # nothing of theirs waits
        await shown(world, manager, resident)
    equal = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    with pytest.raises(Forbidden):
        await shown(world, manager, equal)
    with pytest.raises(NotFound):
        await shown(world, manager, await world.with_role(Role.PROPERTY_STAFF, "a211"))
    assert manager.account_id is not None
    with pytest.raises(OwnRole):
        await shown(world, manager, Person(manager.account_id, ""))


@pytest.mark.parametrize(("minutes", "good"), [(14, True), (15, False)])
async def test_who_takes_their_own_away_puts_another_to_use_on_that_sign_in_alone(
    world: World, staff: Person, clock: Clock, minutes: int, good: bool
) -> None:
    app, _ = await enrolled(world, staff)
    mine = await waiting(world, staff)
    async with world.database.unit_of_work(mine) as uow:
        assert await service.remove(uow, vault=world.vault, code=app.code()) is None
    other, app = await begun(world, staff)
    with pytest.raises(EnrolmentCodeNeeded):
        await outcome(world, other, app.code())
    clock.advance(minutes=10)
    async with world.database.unit_of_work(mine) as uow:
        made = await service.enrol(uow, vault=world.vault)
    assert not made.code_needed
    app = scan(world, made.secret)
    clock.advance(minutes=minutes - 10)
    if good:
        or_raise(await outcome(world, mine, app.code()))
    else:
        with pytest.raises(EnrolmentCodeNeeded):
            await outcome(world, mine, app.code())


async def test_whose_authenticator_was_taken_away_needs_a_new_code(
    world: World, staff: Person, manager: Actor, superuser: asyncpg.Connection
) -> None:
    actor, app = await begun(world, staff)
    or_raise(await outcome(world, actor, app.code(), await shown(world, manager, staff)))
    async with world.database.unit_of_work(manager) as uow:
        await reset(uow, account_id=staff.id, reason="手机遗失")
    assert await superuser.fetchval("select count(*) from enrolment_code") == 0
    actor, app = await begun(world, staff)
    with pytest.raises(EnrolmentCodeNeeded):
        await outcome(world, actor, app.code())
    or_raise(await outcome(world, actor, app.code(), await shown(world, manager, staff)))


async def test_a_code_that_is_replaced_at_that_moment_is_good_no_longer(
    world: World, staff: Person, manager: Actor, superuser: asyncpg.Connection
) -> None:
    actor, app = await begun(world, staff)
    earlier = await shown(world, manager, staff)
    async with world.database.unit_of_work(manager) as uow:
        later = (await issue(uow, vault=world.vault, account_id=staff.id)).code
        confirming = asyncio.create_task(outcome(world, actor, app.code(), earlier))
        await until_blocked(superuser, confirming)
    assert isinstance(await confirming, WrongEnrolmentCode)
    or_raise(await outcome(world, actor, app.code(), later))


async def test_a_code_used_twice_at_once_is_good_once(
    world: World, staff: Person, manager: Actor, superuser: asyncpg.Connection
) -> None:
    """Of two who hold number and code one gets the role, and the other's sign-in is ended."""
    code = await shown(world, manager, staff)
    first, second = await waiting(world, staff), await waiting(world, staff)
    async with world.database.unit_of_work(first) as uow:
        app = scan(world, (await service.enrol(uow, vault=world.vault)).secret)
    async with world.database.unit_of_work(first) as uow:
        or_raise(await service.confirm(uow, vault=world.vault, code=app.code(), enrolment_code=code))
        confirming = asyncio.create_task(outcome(world, second, app.code(), code))
        await until_blocked(superuser, confirming)
    with pytest.raises((Unauthenticated, NoAuthenticator)):
        await confirming


async def test_wrong_tries_made_at_once_are_all_counted(
    world: World, staff: Person, manager: Actor, superuser: asyncpg.Connection
) -> None:
    actor, app = await begun(world, staff)
    code = await shown(world, manager, staff)
    tries = await asyncio.gather(*(outcome(world, actor, app.code(), WRONG) for _ in range(MOST_ENROLMENT_TRIES)))
    assert {type(each) for each in tries} == {WrongEnrolmentCode}
    assert await superuser.fetchval("select tries from enrolment_code") == MOST_ENROLMENT_TRIES
    assert isinstance(await outcome(world, actor, app.code(), code), WrongEnrolmentCode)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return settings_for(database_url, tmp_path)


async def test_a_countys_operator_gets_theirs_at_the_machine(
    world: World, settings: Settings, superuser: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    person = await world.person()
    first = await make_operator(settings, person.phone, "", "a")
    assert isinstance(first, ShownCode)
    actor, app = await begun(world, person)
    again = await code_for(settings, person.phone)
    assert told(again) == f"enrolment code, good once and for 24 hours: {again.code}"
    assert isinstance(await outcome(world, actor, app.code(), first.code), WrongEnrolmentCode)
    or_raise(await outcome(world, actor, app.code(), again.code))
    assert await superuser.fetchval("select count(*) from audit_entry where action = 'authenticator.allowed'") == 2
    with pytest.raises(typer.Exit):
        await code_for(settings, person.phone)
    assert "ALREADY_ENROLLED" in capsys.readouterr().err
    assert await make_operator(settings, person.phone, "", "b") is None
