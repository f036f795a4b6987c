"""Who leaves a home takes their e-bikes along: from that instant on, also before the worker has retired them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from domain.identity.households.service import end_household
from domain.kernel.actor import HomeRole
from domain.kernel.uow import Database, UnitOfWork
from domain.security.devices.models import DeviceKind
from domain.security.ebikes.errors import NotAMember
from domain.security.ebikes.leaving import retire_with_owner
from domain.security.ebikes.rules import TagPlace
from domain.security.ebikes.service import NewEBike, add_tag, register_ebike
from integrations.identity.sms import OutboxSms
from integrations.messaging.push import OutboxPush
from tests.factories.clock import Clock
from tests.factories.plant import Plant
from tests.factories.waiting import until_blocked
from tests.factories.world import Person, World
from workers.handlers import handlers
from workers.relay import Relay

HOME, TAG = "a111/1", "E2801160600002049A00B1C2"


async def leave(plant: Plant, world: World, person: Person) -> None:
    household = await world.household_id(person)
    async with plant.database.unit_of_work(world.everywhere) as uow:
        await end_household(uow, household_id=household)


async def relayed(plant: Plant, world: World) -> None:
    """What waits in the outbox is done, as the worker does it."""
    database, vault = plant.database, world.vault
    table = handlers(push=OutboxPush(database, vault), sms=OutboxSms(database, vault), vault=vault)
    await Relay(database, table).drain()


async def guard(superuser: asyncpg.Connection, ebike: int) -> None:
    await superuser.execute("update ebike set guarded_since = created_at where id = $1", ebike)


async def test_it_is_retired_its_tags_are_free_and_its_alert_is_over(
    plant: Plant, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    owner, other = await world.living_in(HOME), await world.living_in(HOME, HomeRole.MEMBER)
    ebike, others = await plant.ebike(HOME, owner, TAG, "ABCD"), await plant.ebike(HOME, other, "EF01")
    await guard(superuser, ebike)
    clock.advance(seconds=1)
    await plant.says(await plant.device("a112", DeviceKind.RFID_READER), plant.read(TAG))  # seen next door
    clock.advance(seconds=1)
    await leave(plant, world, owner)
    left = clock.instant
    clock.advance(minutes=5)
    await relayed(plant, world)
    row = await superuser.fetchrow("select retired_at, guarded_since from ebike where id = $1", ebike)
    assert tuple(row) == (left, None)
    tags = await superuser.fetch("select removed_at from ebike_tag where ebike_id = $1", ebike)
    assert [tag["removed_at"] for tag in tags] == [left, left]
    (alert,) = await plant.alerts()
    assert (alert.cleared_at, alert.cleared_because, alert.cleared_by) == (left, "owner_left", None)
    assert await superuser.fetchval("select count(*) from ebike where retired_at is null and id = $1", others) == 1
    acts = await superuser.fetch("select object_id from audit_entry where action = 'ebike.retired'")
    assert [act["object_id"] for act in acts] == [str(ebike)]
    await plant.ebike("b111/1", await world.living_in("b111/1", person=owner), TAG)  # in the home it was taken to


async def test_twice_is_once(plant: Plant, world: World, clock: Clock) -> None:
    owner = await world.living_in(HOME)
    ebike = await plant.ebike(HOME, owner)
    await leave(plant, world, owner)

    async def retired(uow: UnitOfWork) -> list[int]:
        return await retire_with_owner(uow, home_id=world.homes[HOME], account_id=owner.id, at=clock.instant)

    for expected in ([ebike], []):
        async with plant.database.unit_of_work(world.everywhere) as uow:
            assert await retired(uow) == expected


async def test_what_was_registered_after_coming_back_stays(
    plant: Plant, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    owner = await world.living_in(HOME)
    before = await plant.ebike(HOME, owner)
    clock.advance(seconds=1)
    await leave(plant, world, owner)
    clock.advance(seconds=1)
    await world.living_in(HOME, person=owner, since=clock.instant)
    after = await plant.ebike(HOME, owner)
    await relayed(plant, world)
    rows = await superuser.fetch("select id from ebike where retired_at is null")
    assert ([row["id"] for row in rows], before != after) == ([after], True)


async def test_reads_after_leaving_are_nobodys(
    plant: Plant, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    owner = await world.living_in(HOME)
    await guard(superuser, await plant.ebike(HOME, owner, TAG))
    clock.advance(seconds=1)
    await leave(plant, world, owner)
    await plant.says(await plant.device("a111", DeviceKind.RFID_READER), plant.read(TAG))
    assert await superuser.fetch("select 1 from sighting where home_id is not null") == []
    assert await superuser.fetch("select 1 from event where home_id is not null") == []
    assert await plant.alerts() == []


async def test_an_ebike_is_not_registered_for_who_leaves_meanwhile(
    plant: Plant, world: World, clocked: Database, superuser: asyncpg.Connection
) -> None:
    owner = await world.living_in(HOME)
    household = await world.household_id(owner)
    new = NewEBike(home_id=world.homes[HOME], owner_id=owner.id)

    async def register() -> int:
        async with clocked.unit_of_work(world.everywhere) as uow:
            return await register_ebike(uow, vault=world.vault, new=new)

    async with clocked.unit_of_work(world.everywhere) as uow:
        await end_household(uow, household_id=household)
        registering = asyncio.create_task(register())
        await until_blocked(superuser, registering)
    with pytest.raises(NotAMember):
        await registering


async def test_a_tag_that_is_fixed_while_the_owner_leaves_goes_too(
    plant: Plant, world: World, clocked: Database, clock: Clock, superuser: asyncpg.Connection
) -> None:
    owner = await world.living_in(HOME)
    ebike = await plant.ebike(HOME, owner)
    left = clock.instant + timedelta(seconds=1)

    async def retire() -> list[int]:
        async with clocked.unit_of_work(world.everywhere) as uow:
            return await retire_with_owner(uow, home_id=world.homes[HOME], account_id=owner.id, at=left)

    async with clocked.unit_of_work(world.everywhere) as uow:
        await add_tag(uow, vault=world.vault, ebike_id=ebike, tag=TAG, place=TagPlace.BIKE)
        clock.advance(seconds=1)
        await leave(plant, world, owner)
        retiring = asyncio.create_task(retire())
        await until_blocked(superuser, retiring)
    assert await retiring == [ebike]
    assert await superuser.fetchval("select removed_at from ebike_tag") == left
