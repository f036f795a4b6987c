"""Ending somebody else's sign-ins: at once, by those above them, on record."""

from __future__ import annotations

import json

import asyncpg
import pytest
from sqlalchemy import func, select

from domain.identity.errors import NumbersInWords, OwnRole, SessionEnded
from domain.identity.keeping import standing_of
from domain.identity.models import Household, RoleGrant
from domain.identity.sessions.chain import refresh
from domain.identity.sessions.keeping import end_sessions
from domain.kernel.actor import Actor, Role
from domain.kernel.errors import Forbidden, NotFound, Unauthenticated
from domain.kernel.uow import News
from tests.db.identity.test_standing import actor_of, resolve
from tests.factories.world import Person, World


async def end(world: World, actor: Actor, person: Person, reason: str = "手机遗失") -> int:
    async with world.database.unit_of_work(actor) as uow:
        return await end_sessions(uow, account_id=person.id, reason=reason)


async def test_a_manager_ends_the_sign_ins_of_a_resident(
    world: World, news: list[News], superuser: asyncpg.Connection
) -> None:
    manager = await actor_of(world, await world.with_role(Role.PROPERTY_MANAGER, "a111"))
    resident = await world.living_in("a111/1")
    first, second = await world.session(resident), await world.session(resident)
    news.clear()
    assert await end(world, manager, resident) == 2
    assert (news[0].accounts, "access" in news[0].topics) == ({resident.id}, True)  # what ends open sockets
    async with world.database.unit_of_work(manager) as uow:
        assert isinstance(await refresh(uow, vault=world.vault, token=second.refresh_token), SessionEnded)
    with pytest.raises(Unauthenticated):
        await resolve(world, resident, first)
    act = await superuser.fetchrow("select * from audit_entry where action = 'session.ended_by_keeper'")
    assert act is not None
    assert (act["chain"], act["homes"]) == (world.areas["a111"], [world.homes["a111/1"]])
    assert (act["account_id"], act["object_id"]) == (manager.account_id, str(resident.id))
    assert json.loads(act["details"]) == {"reason": "手机遗失", "ended": 2}
    again = await world.session(resident)
    assert (await resolve(world, resident, again)).account_id == resident.id  # they may sign in anew


async def test_nobody_ends_those_of_somebody_out_of_sight_above_them_or_of_themselves(world: World) -> None:
    person = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    manager = await actor_of(world, person)
    resident, police = await world.living_in("a112/1"), await world.living_in("a111/2")
    await world.with_role(Role.COMMUNITY_POLICE, "b11", police)  # out of the manager's sight, and still above them
    for whom, error in ((resident, NotFound), (police, Forbidden), (person, OwnRole)):
        await world.session(whom)
        with pytest.raises(error):
            await end(world, manager, whom)
        await actor_of(world, whom)
    with pytest.raises(NumbersInWords):
        await end(world, manager, police, "证件 330102199001011234")


async def test_an_operator_keeps_those_who_serve_in_their_area_and_no_residents(world: World) -> None:
    town = await actor_of(world, await world.with_role(Role.TOWN_OPERATOR, "a1"))
    police, resident = await world.with_role(Role.COMMUNITY_POLICE, "a11"), await world.living_in("a111/1")
    await world.session(police)
    assert await end(world, town, police) == 1
    with pytest.raises(NotFound):
        await end(world, town, resident)
    with pytest.raises(NotFound):
        await end(world, town, await world.with_role(Role.COMMUNITY_POLICE, "a21"))


async def test_what_somebody_is_elsewhere_is_judged_by_and_never_shown(world: World) -> None:
    person = await world.living_in("b111/1")
    await world.with_role(Role.SERVICE_WORKER, "a111", person)
    await world.with_role(Role.COUNTY_OPERATOR, "b", person)
    manager = await actor_of(world, await world.with_role(Role.PROPERTY_MANAGER, "a111"))
    async with world.database.unit_of_work(manager) as uow:
        found = await standing_of(uow, person.id)
        assert {role for role, _ in found.roles} == {Role.SERVICE_WORKER, Role.COUNTY_OPERATOR}
        assert [home.compound_id for home in found.homes] == [world.areas["b111"]]
        for table, left in ((Household, 0), (RoleGrant, 1)):
            mine = select(func.count()).select_from(table).where(table.account_id == person.id)
            assert (await uow.session.execute(mine)).scalar_one() == left  # row-level security is as before
