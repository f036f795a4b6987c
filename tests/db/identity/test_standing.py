"""Roles and households: who may change whose standing, and that it acts at once."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.identity.errors import (
    AlreadyGranted,
    AlreadyMember,
    AlreadyRevoked,
    HouseholdEnded,
    OwnRole,
    RoleNotForLevel,
)
from domain.identity.households.service import end_household, invite_member, verify_household
from domain.identity.policies import SecondFactor
from domain.identity.queries import identity_scope, resolve_actor
from domain.identity.roles.service import grant_role, revoke_role
from domain.identity.sessions.service import SignedIn
from domain.kernel.actor import ANONYMOUS, Actor, HomeRole, Role, Trust, system_actor
from domain.kernel.errors import Forbidden, Limited, NotFound, Unauthenticated
from domain.kernel.uow import News
from tests.factories.world import Person, World


async def actor_of(world: World, person: Person) -> Actor:
    """The person as the database resolves them now."""
    return await resolve(world, person, await world.session(person))


async def resolve(world: World, person: Person, session: SignedIn) -> Actor:
    """The person behind a sign-in. Raises Unauthenticated."""
    async with world.database.reader(identity_scope(person.id)) as reader:
        found = await resolve_actor(
            reader,
            account_id=person.id,
            session_id=session.session_id,
            token_version=session.token_version,
            now=world.database.clock(),
            second_factor=SecondFactor.OPTIONAL,
        )
    return found.actor


async def grant(world: World, actor: Actor, phone: str, role: Role, area: str) -> int:
    async with world.database.unit_of_work(actor) as uow:
        return await grant_role(uow, vault=world.vault, phone=phone, name="", role=role, area_id=world.areas[area])


async def revoke(world: World, actor: Actor, grant_id: int) -> None:
    async with world.database.unit_of_work(actor) as uow:
        await revoke_role(uow, grant_id=grant_id)


async def invite(world: World, actor: Actor, home: str, phone: str, role: HomeRole = HomeRole.MEMBER) -> int:
    async with world.database.unit_of_work(actor) as uow:
        return await invite_member(uow, vault=world.vault, home_id=world.homes[home], phone=phone, name="", role=role)


async def end(world: World, actor: Actor, household: int) -> None:
    async with world.database.unit_of_work(actor) as uow:
        await end_household(uow, household_id=household)


async def verify(world: World, actor: Actor, household: int) -> None:
    async with world.database.unit_of_work(actor) as uow:
        await verify_household(uow, household_id=household)


async def test_a_granted_role_is_held_by_the_next_request(world: World, news: list[News]) -> None:
    operator = await actor_of(world, await world.with_role(Role.TOWN_OPERATOR, "a1"))
    person = await world.person()
    news.clear()
    await grant(world, operator, person.phone, Role.PROPERTY_MANAGER, "a111")
    assert news[0].accounts == {person.id}
    assert "access" in news[0].topics
    resolved = await actor_of(world, person)
    assert [(g.role, g.area_id) for g in resolved.grants] == [(Role.PROPERTY_MANAGER, world.areas["a111"])]
    assert resolved.scope.compounds == (world.areas["a111"],)


async def test_an_unknown_phone_gets_an_account_so_that_nothing_is_told(world: World) -> None:
    operator = await actor_of(world, await world.with_role(Role.TOWN_OPERATOR, "a1"))
    assert await grant(world, operator, "13811111111", Role.PROPERTY_STAFF, "a112")


@pytest.mark.parametrize(
    ("giver", "area", "given", "over", "error"),
    [
        (Role.TOWN_OPERATOR, "a1", Role.PROPERTY_MANAGER, "a211", NotFound),  # another town: not even seen
        (Role.COUNTY_OPERATOR, "a", Role.TOWN_OPERATOR, "b1", NotFound),
        (Role.PROPERTY_MANAGER, "a111", Role.PROPERTY_STAFF, "a112", NotFound),
        (Role.PROPERTY_MANAGER, "a111", Role.PROPERTY_MANAGER, "a111", Forbidden),  # an equal
        (Role.COUNTY_OPERATOR, "a", Role.COUNTY_OPERATOR, "a", Forbidden),
        (Role.PROPERTY_STAFF, "a111", Role.PROPERTY_STAFF, "a111", Forbidden),
        (Role.PROPERTY_STAFF, "a111", Role.SERVICE_WORKER, "a111", Forbidden),
        (Role.SERVICE_WORKER, "a111", Role.SERVICE_WORKER, "a111", Forbidden),
        (Role.SERVICE_WORKER, "a111", Role.SERVICE_WORKER, "a112", NotFound),
        (Role.PROPERTY_MANAGER, "a111", Role.SERVICE_WORKER, "a11", NotFound),
        (Role.COMMUNITY_POLICE, "a11", Role.PROPERTY_MANAGER, "a111", Forbidden),
        (Role.TOWN_OPERATOR, "a1", Role.PROPERTY_MANAGER, "a11", RoleNotForLevel),
        (Role.COUNTY_OPERATOR, "a", Role.COMMUNITY_POLICE, "a111", RoleNotForLevel),
    ],
)
async def test_nobody_grants_above_or_outside(
    world: World,
    superuser: asyncpg.Connection,
    giver: Role,
    area: str,
    given: Role,
    over: str,
    error: type[Exception],
) -> None:
    actor = await actor_of(world, await world.with_role(giver, area))
    person = await world.person()
    with pytest.raises(error):
        await grant(world, actor, person.phone, given, over)
    assert await superuser.fetchval("select count(*) from role_grant where account_id = $1", person.id) == 0


async def test_a_resident_grants_nothing(world: World) -> None:
    actor = await actor_of(world, await world.living_in("a111/1"))
    with pytest.raises(Forbidden):
        await grant(world, actor, "13811111111", Role.PROPERTY_STAFF, "a111")


async def test_nobody_grants_or_revokes_their_own(world: World) -> None:
    person = await world.with_role(Role.TOWN_OPERATOR, "a1")
    await world.with_role(Role.PROPERTY_STAFF, "a111", person)
    actor = await actor_of(world, person)
    with pytest.raises(OwnRole):
        await grant(world, actor, person.phone, Role.PROPERTY_MANAGER, "a111")
    with pytest.raises(OwnRole):
        await revoke(world, actor, await world.grant_id(person))


async def test_a_role_is_granted_once_even_at_once(world: World, superuser: asyncpg.Connection) -> None:
    operator = await actor_of(world, await world.with_role(Role.TOWN_OPERATOR, "a1"))
    person = await world.person()
    answers = await asyncio.gather(
        *(grant(world, operator, person.phone, Role.PROPERTY_STAFF, "a111") for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, AlreadyGranted) for answer in answers) == 3
    assert await superuser.fetchval("select count(*) from role_grant where account_id = $1", person.id) == 1


async def test_a_revoked_role_is_gone_and_can_be_granted_anew(world: World, news: list[News]) -> None:
    operator = await actor_of(world, await world.with_role(Role.TOWN_OPERATOR, "a1"))
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    held = await world.grant_id(staff)
    news.clear()
    await revoke(world, operator, held)
    assert news[0].accounts == {staff.id}
    assert (await actor_of(world, staff)).grants == ()
    with pytest.raises(AlreadyRevoked):
        await revoke(world, operator, held)
    await grant(world, operator, staff.phone, Role.PROPERTY_STAFF, "a111")
    assert len((await actor_of(world, staff)).grants) == 1


async def test_only_who_may_grant_may_revoke(world: World) -> None:
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    held = await world.grant_id(staff)
    for role, area, error in (
        (Role.COMMUNITY_POLICE, "a11", Forbidden),
        (Role.PROPERTY_MANAGER, "a112", NotFound),
        (Role.TOWN_OPERATOR, "a2", NotFound),
        (Role.COUNTY_OPERATOR, "b", NotFound),
    ):
        with pytest.raises(error):
            await revoke(world, await actor_of(world, await world.with_role(role, area)), held)
    await revoke(world, await actor_of(world, await world.with_role(Role.PROPERTY_MANAGER, "a111")), held)


@pytest.mark.parametrize("to_oneself", [False, True])
async def test_the_database_itself_refuses_a_grant_outside_the_scope(world: World, to_oneself: bool) -> None:
    """Below the policies: row-level security."""
    person = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    holder = person if to_oneself else await world.person()
    statement = text(
        "insert into role_grant (account_id, role, area_id, level, county_id)"
        " values (:account, 'county_operator', :area, 'county', :area)"
    )
    with pytest.raises(DBAPIError, match="row-level security"):
        async with world.database.unit_of_work(await actor_of(world, person)) as uow:
            await uow.session.execute(statement, {"account": holder.id, "area": world.areas["a"]})


async def test_the_database_itself_refuses_to_change_ones_own_role(world: World) -> None:
    person = await world.with_role(Role.COMMUNITY_POLICE, "a11")
    async with world.database.unit_of_work(system_actor(identity_scope(person.id))) as uow:
        seen = await uow.session.execute(text("select count(*) from role_grant"))
        changed = await uow.session.execute(text("update role_grant set revoked_at = now() returning id"))
        assert (seen.scalar_one(), changed.all()) == (1, [])


async def test_an_owner_invites_and_the_office_verifies(world: World, news: list[News]) -> None:
    owner = await actor_of(world, await world.living_in("a111/1"))
    guest = await world.person()
    household = await invite(world, owner, "a111/1", guest.phone)
    assert [h.trust for h in (await actor_of(world, guest)).households] == [Trust.PHONE]
    office = await actor_of(world, await world.with_role(Role.PROPERTY_STAFF, "a111"))
    news.clear()
    await verify(world, office, household)
    assert news[0].accounts == {guest.id}
    assert [h.trust for h in (await actor_of(world, guest)).households] == [Trust.OFFICE]
    await verify(world, office, household)  # again changes nothing


async def test_whom_the_office_brings_in_is_verified(world: World) -> None:
    office = await actor_of(world, await world.with_role(Role.PROPERTY_MANAGER, "a111"))
    newcomer = await world.person()
    await invite(world, office, "a111/2", newcomer.phone, HomeRole.OWNER)
    (household,) = (await actor_of(world, newcomer)).households
    assert (household.role, household.trust) == (HomeRole.OWNER, Trust.OFFICE)


@pytest.mark.parametrize(
    ("role", "trust", "home", "invited", "error"),
    [
        (HomeRole.OWNER, Trust.OFFICE, "a111/2", HomeRole.MEMBER, NotFound),  # the neighbour's home
        (HomeRole.OWNER, Trust.OFFICE, "b111/1", HomeRole.MEMBER, NotFound),
        (HomeRole.OWNER, Trust.OFFICE, "a111/1", HomeRole.OWNER, Forbidden),
        (HomeRole.OWNER, Trust.PHONE, "a111/1", HomeRole.MEMBER, Forbidden),
        (HomeRole.TENANT, Trust.OFFICE, "a111/1", HomeRole.TENANT, Forbidden),
        (HomeRole.MEMBER, Trust.OFFICE, "a111/1", HomeRole.MEMBER, Forbidden),
    ],
)
async def test_nobody_invites_beyond_their_own_standing(
    world: World, role: HomeRole, trust: Trust, home: str, invited: HomeRole, error: type[Exception]
) -> None:
    actor = await actor_of(world, await world.living_in("a111/1", role, trust))
    with pytest.raises(error):
        await invite(world, actor, home, "13811111111", invited)


async def test_somebody_belongs_to_a_home_once(world: World) -> None:
    owner = await actor_of(world, await world.living_in("a111/1"))
    member = await world.living_in("a111/1", HomeRole.MEMBER)
    with pytest.raises(AlreadyMember):
        await invite(world, owner, "a111/1", member.phone)


async def test_staff_do_not_make_themselves_owners_or_verify_themselves(world: World) -> None:
    person = await world.with_role(Role.PROPERTY_STAFF, "a111")
    actor = await actor_of(world, person)
    with pytest.raises(OwnRole):
        await invite(world, actor, "a111/1", person.phone, HomeRole.OWNER)
    await world.living_in("a111/2", HomeRole.MEMBER, Trust.PHONE, person)
    with pytest.raises(OwnRole):
        await verify(world, await actor_of(world, person), await world.household_id(person))


async def test_a_resident_cannot_invite_without_end(world: World) -> None:
    owner = await actor_of(world, await world.living_in("a111/1"))
    for number in range(20):
        await invite(world, owner, "a111/1", f"138111111{number:02d}")
    with pytest.raises(Limited):
        await invite(world, owner, "a111/1", "13811111199")


@pytest.mark.parametrize(
    ("role", "area", "error"),
    [
        (Role.COMMUNITY_POLICE, "a11", Forbidden),
        (Role.TOWN_OPERATOR, "a1", NotFound),
        (Role.PROPERTY_MANAGER, "a112", NotFound),
        (Role.PROPERTY_STAFF, "b111", NotFound),
    ],
)
async def test_only_the_compounds_own_office_verifies(
    world: World, role: Role, area: str, error: type[Exception]
) -> None:
    resident = await world.living_in("a111/1", trust=Trust.PHONE)
    actor = await actor_of(world, await world.with_role(role, area))
    with pytest.raises(error):
        await verify(world, actor, await world.household_id(resident))


async def test_leaving_a_home_ends_its_scope_at_once(world: World, news: list[News]) -> None:
    resident = await world.living_in("a111/1", HomeRole.MEMBER)
    household = await world.household_id(resident)
    actor = await actor_of(world, resident)
    news.clear()
    await end(world, actor, household)
    assert news[0].accounts == {resident.id}
    assert (await actor_of(world, resident)).scope.homes == ()
    with pytest.raises(HouseholdEnded):
        await end(world, actor, household)
    office = await actor_of(world, await world.with_role(Role.PROPERTY_STAFF, "a111"))
    with pytest.raises(HouseholdEnded):
        await verify(world, office, household)


async def test_an_owner_removes_a_member_but_no_owner(world: World) -> None:
    owner = await actor_of(world, await world.living_in("a111/1"))
    member = await world.living_in("a111/1", HomeRole.MEMBER)
    other = await world.living_in("a111/1")
    await end(world, owner, await world.household_id(member))
    with pytest.raises(Forbidden):
        await end(world, owner, await world.household_id(other))
    stranger = await actor_of(world, await world.living_in("a111/2"))
    with pytest.raises(NotFound):
        await end(world, stranger, await world.household_id(other))


async def test_a_disabled_ended_or_outdated_sign_in_resolves_to_nobody(
    world: World, superuser: asyncpg.Connection
) -> None:
    person = await world.person()
    for spoil in (
        "update session set ended_at = now()",
        "update session set expires_at = now() - interval '1 day'",
        "update account set token_version = token_version + 1",
        "update account set disabled_at = now()",
    ):
        session = await world.session(person)
        await superuser.execute(spoil)
        async with world.database.reader(identity_scope(person.id)) as reader:
            with pytest.raises(Unauthenticated):
                await resolve_actor(
                    reader,
                    account_id=person.id,
                    session_id=session.session_id,
                    token_version=session.token_version,
                    now=world.database.clock(),
                    second_factor=SecondFactor.OPTIONAL,
                )


async def test_a_session_of_somebody_else_resolves_to_nobody(world: World) -> None:
    person, other = await world.person(), await world.person()
    session = await world.session(other)
    async with world.database.reader(identity_scope(person.id)) as reader:
        with pytest.raises(Unauthenticated):
            await resolve_actor(
                reader,
                account_id=person.id,
                session_id=session.session_id,
                token_version=1,
                now=world.database.clock(),
                second_factor=SecondFactor.OPTIONAL,
            )


async def test_the_anonymous_see_no_grants_or_households(world: World) -> None:
    await world.living_in("a111/1")
    await world.with_role(Role.PROPERTY_STAFF, "a111")
    async with world.database.reader(ANONYMOUS.scope) as reader:
        for table in ("area", "building", "home", "household", "role_grant"):
            assert await reader.scalar(text(f"select count(*) from {table}")) == 0
