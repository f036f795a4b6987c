"""Workers: their role, their week, and when they are not there."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import asyncpg
import pytest

from domain.community.housekeeping.calendar import Shift
from domain.community.housekeeping.catalogue import retire_provider
from domain.community.housekeeping.errors import (
    AbsenceRemoved,
    AlreadyWorker,
    InvalidHours,
    InvalidTime,
    Retired,
    WorkerBooked,
)
from domain.community.housekeeping.staff import add_absence, add_worker, remove_absence, set_hours
from domain.kernel.actor import Actor, Role
from domain.kernel.errors import Forbidden, NotFound
from tests.factories.clock import Clock
from tests.factories.housekeeping import Cleaners
from tests.factories.world import World

DAY = timedelta(days=1)


async def away(cleaners: Cleaners, actor: Actor, worker: int, starts_at: datetime, ends_at: datetime) -> int:
    async with cleaners.database.unit_of_work(actor) as uow:
        return await add_absence(uow, worker_id=worker, starts_at=starts_at, ends_at=ends_at)


async def back(cleaners: Cleaners, actor: Actor, absence: int) -> None:
    async with cleaners.database.unit_of_work(actor) as uow:
        await remove_absence(uow, absence_id=absence)


async def test_a_worker_is_given_the_role_once_and_works_in_several_compounds(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    manager = await cleaners.actor(await world.with_role(Role.PROPERTY_MANAGER, "a111"))
    provider, person = await cleaners.provider(), await world.person()
    async with cleaners.database.unit_of_work(manager) as uow:
        await add_worker(uow, vault=world.vault, provider_id=provider, phone=person.phone, name="示例师傅")
    await cleaners.worker("a112", person=person)
    actor = await cleaners.actor(person)
    assert actor.scope.workplaces == (world.areas["a111"], world.areas["a112"])
    assert actor.scope.compounds == ()
    with pytest.raises(AlreadyWorker):
        await cleaners.worker(person=person)
    assert await superuser.fetchval("select count(*) from role_grant where account_id = $1", person.id) == 2


async def test_only_the_property_manager_employs(world: World, cleaners: Cleaners) -> None:
    provider = await cleaners.provider()
    for role, area, error in (
        (Role.PROPERTY_STAFF, "a111", Forbidden),
        (Role.COMMUNITY_POLICE, "a11", Forbidden),
        (Role.SERVICE_WORKER, "a111", Forbidden),
        (Role.PROPERTY_MANAGER, "a112", NotFound),
    ):
        actor = await cleaners.actor(await world.with_role(role, area))
        with pytest.raises(error):
            async with cleaners.database.unit_of_work(actor) as uow:
                await add_worker(uow, vault=world.vault, provider_id=provider, phone="13812345678", name="示例")


async def test_nobody_works_for_a_retired_provider(world: World, cleaners: Cleaners) -> None:
    provider = await cleaners.provider()
    async with cleaners.database.unit_of_work(world.everywhere) as uow:
        await retire_provider(uow, provider_id=provider)
    with pytest.raises(Retired):
        await cleaners.worker()
    del cleaners.providers["a111"]
    assert await cleaners.worker()  # the name is free again


async def test_the_hours_of_a_week_are_replaced_as_a_whole(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    worker = await cleaners.worker()
    async with cleaners.database.unit_of_work(world.everywhere) as uow:
        await set_hours(uow, worker_id=worker, shifts=[Shift(2, 780, 1080), Shift(2, 480, 720)])
    stored = await superuser.fetch("select weekday, opens, closes from housekeeping_shift order by id")
    assert [tuple(row) for row in stored] == [(2, 480, 720), (2, 780, 1080)]
    with pytest.raises(InvalidHours):
        async with cleaners.database.unit_of_work(world.everywhere) as uow:
            await set_hours(uow, worker_id=worker, shifts=[Shift(2, 0, 60), Shift(2, 30, 90)])
    async with cleaners.database.unit_of_work(world.everywhere) as uow:
        await set_hours(uow, worker_id=worker, shifts=[])
    assert await superuser.fetchval("select count(*) from housekeeping_shift") == 0


async def test_hours_that_overlap_are_refused_by_the_table_too(
    cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    await cleaners.worker(shifts=[Shift(1, 0, 120)])
    with pytest.raises(asyncpg.ExclusionViolationError):
        await superuser.execute(
            "insert into housekeeping_shift"
            " (county_id, town_id, community_id, compound_id, worker_id, weekday, opens, closes)"
            " select county_id, town_id, community_id, compound_id, worker_id, 1, 90, 180 from housekeeping_shift"
        )


async def test_the_worker_and_the_office_enter_absences(world: World, cleaners: Cleaners, clock: Clock) -> None:
    mine, other = await cleaners.worker(), await cleaners.worker()
    worker = await cleaners.actor(cleaners.workers[mine])
    staff = await cleaners.actor(await world.with_role(Role.PROPERTY_STAFF, "a111"))
    resident = await cleaners.actor(await world.living_in("a111/1"))
    absence = await away(cleaners, worker, mine, clock(), clock() + DAY)
    await away(cleaners, staff, mine, clock() + DAY, clock() + 2 * DAY)  # the one ends as the other begins
    for actor, whose in ((worker, other), (resident, mine)):
        with pytest.raises(Forbidden):
            await away(cleaners, actor, whose, clock() + 3 * DAY, clock() + 4 * DAY)
    for actor, error in ((resident, NotFound), (await cleaners.actor(cleaners.workers[other]), NotFound)):
        with pytest.raises(error):
            await back(cleaners, actor, absence)
    await back(cleaners, worker, absence)
    with pytest.raises(AbsenceRemoved):
        await back(cleaners, staff, absence)
    assert await away(cleaners, worker, mine, clock(), clock() + DAY)


async def test_a_revoked_worker_enters_nothing(cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection) -> None:
    mine = await cleaners.worker()
    person = cleaners.workers[mine]
    await superuser.execute("update role_grant set revoked_at = now() where account_id = $1", person.id)
    with pytest.raises(NotFound):
        await away(cleaners, await cleaners.actor(person), mine, clock(), clock() + DAY)


async def test_an_absence_needs_a_time_to_come(cleaners: Cleaners, world: World, clock: Clock) -> None:
    worker, now = await cleaners.worker(), clock()
    for starts_at, ends_at in ((now - 2 * DAY, now), (now + DAY, now + DAY), (now, now + 361 * DAY)):
        with pytest.raises(InvalidTime):
            await away(cleaners, world.everywhere, worker, starts_at, ends_at)


async def test_of_two_absences_at_once_one_is_entered(cleaners: Cleaners, world: World, clock: Clock) -> None:
    person = await world.person()
    here, there = await cleaners.worker(person=person), await cleaners.worker("a112", person=person)
    entered = await asyncio.gather(
        *(
            away(cleaners, world.everywhere, worker, clock() + n * DAY / 4, clock() + DAY)
            for n, worker in enumerate((here, there, here, there))
        ),
        return_exceptions=True,
    )
    assert [type(each) for each in entered].count(WorkerBooked) == 3
