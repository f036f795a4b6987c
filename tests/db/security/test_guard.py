"""E-bike tags: visits to readers, silence, guard mode."""

from __future__ import annotations

import json

import asyncpg

from domain.kernel.actor import Actor, ActorKind, HomeRole, Household, Trust, scope_of
from domain.kernel.uow import News
from domain.security.devices.directory import DeviceRef
from domain.security.devices.models import DeviceKind
from domain.security.ebikes.service import arm, disarm
from domain.security.events.gone import close_gone
from domain.security.events.sealed import event_place
from domain.security.sightings.subjects import subject_place
from tests.factories.clock import Clock
from tests.factories.plant import Plant, ago
from tests.factories.world import LONG_AGO, Person, World

TAG = "E2801160600002049A00B1C2"


async def reader(plant: Plant, compound: str = "a111", zone: str = "corridor") -> DeviceRef:
    return await plant.device(compound, DeviceKind.RFID_READER, zone=zone)


async def phases(superuser: asyncpg.Connection) -> list[str]:
    rows = await superuser.fetch("select attributes ->> 'phase' as phase from event order by at, id")
    return [row["phase"] for row in rows]


async def closed(plant: Plant, most: int = 500) -> int:
    async with plant.database.unit_of_work(plant.world.everywhere) as uow:
        return await close_gone(uow, vault=plant.world.vault, most=most)


async def guarded(plant: Plant, world: World, home: str = "a111/1") -> tuple[Person, int]:
    """An armed e-bike with TAG, and its owner."""
    owner = await world.living_in(home)
    ebike = await plant.ebike(home, owner, TAG)
    await switch(plant, world, home, ebike, on=True)
    return owner, ebike


async def switch(plant: Plant, world: World, home: str, ebike: int, *, on: bool) -> None:
    lives = (Household(world.homes[home], world.areas[home[:4]], HomeRole.OWNER, Trust.OFFICE, LONG_AGO),)
    resident = Actor(ActorKind.ACCOUNT, 1, households=lives, scope=scope_of((), lives, 1))
    async with plant.database.unit_of_work(resident) as uow:
        await (arm if on else disarm)(uow, ebike_id=ebike)


async def test_reads_of_a_visit_are_one_sighting_with_its_strongest_antenna(
    plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    gate = await reader(plant)
    for rssi, antenna in ((-70, 1), (-48, 3), (-60, 2)):
        await plant.says(gate, plant.read(TAG, rssi=rssi, antenna=antenna))
        clock.advance(seconds=3)
    assert await phases(superuser) == ["enter"]
    assert await closed(plant) == 0  # six seconds of silence are not yet a leave
    clock.advance(seconds=8)
    assert await closed(plant) == 1
    assert await phases(superuser) == ["enter", "leave"]
    row = await superuser.fetchrow("select *, left_at - at as stay from sighting")
    subject = await plant.world.vault.open(row["subject"], subject_place(row["id"]), area=gate.compound_id)
    assert (subject, row["antenna"], row["rssi_dbm"], row["reads"]) == (TAG, 3, -48, 3)
    assert row["stay"].total_seconds() == 6
    assert await superuser.fetchval("select count(*) from tag_presence") == 0
    assert await closed(plant) == 0


async def test_a_tag_that_comes_back_after_the_window_has_left_before(
    plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    gate = await reader(plant)
    await plant.says(gate, plant.read(TAG))
    clock.advance(seconds=30)
    await plant.says(gate, plant.read(TAG))
    assert await phases(superuser) == ["enter", "leave", "enter"]
    assert await superuser.fetchval("select count(*) from sighting where left_at is not null") == 1


async def test_late_reads_are_whole_visits_that_change_nothing_now(
    plant: Plant, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    await guarded(plant, world)
    gate = await reader(plant)
    reads = [plant.read(TAG, ago=3_600 - second, late=True) for second in range(4)]
    await plant.says(gate, *reads)
    assert await phases(superuser) == ["enter", "leave"]
    assert await superuser.fetchval("select count(*) from tag_presence") == 0
    assert await superuser.fetchval("select left_at from sighting") == ago(clock, seconds=3_597)
    assert await plant.alerts() == []


async def test_sightings_and_visits_belong_to_the_home_of_the_tag(
    plant: Plant, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    await plant.ebike("a111/1", await world.living_in("a111/1"), TAG)
    await plant.says(await reader(plant), plant.read(TAG), plant.read("ABCD"))
    clock.advance(seconds=20)
    await closed(plant)
    home = world.homes["a111/1"]
    vault, found = world.vault, set()
    for row in await superuser.fetch("select * from sighting"):
        tag = await vault.open(row["subject"], subject_place(row["id"]), area=row["compound_id"])
        found.add(("sighting", tag, row["home_id"]))
    for row in await superuser.fetch("select * from event"):
        said = json.loads(await vault.open(row["personal"], event_place(row["id"]), area=row["compound_id"]))
        found.add(("event", said["tag"], row["home_id"]))
    assert found == {(table, *seen) for table in ("sighting", "event") for seen in (("ABCD", None), (TAG, home))}


async def test_a_guarded_ebike_that_moves_raises_and_one_that_leaves_is_worse(
    plant: Plant, world: World, clock: Clock
) -> None:
    _, ebike = await guarded(plant, world)
    clock.advance(seconds=1)
    await plant.says(await reader(plant), plant.read(TAG))
    (alert,) = await plant.alerts()
    assert (alert.kind, alert.severity, alert.source, alert.home_id) == (
        "ebike_moved",
        3,
        f"ebike:{ebike}",
        world.homes["a111/1"],
    )
    await plant.says(await reader(plant, zone="gate"), plant.read(TAG))
    (alert,) = await plant.alerts()
    assert (alert.severity, alert.times, alert.explanation["because"]["leaving"]) == (4, 2, True)
    assert alert.audience == ["home", "staff", "police"]


async def test_disarming_clears_the_alert_wherever_it_was_raised(plant: Plant, world: World, clock: Clock) -> None:
    _, ebike = await guarded(plant, world)
    clock.advance(seconds=1)
    await plant.says(await reader(plant, "a112"), plant.read(TAG))  # seen next door
    await switch(plant, world, "a111/1", ebike, on=False)
    (alert,) = await plant.alerts()
    assert (alert.compound_id, alert.cleared_because, alert.cleared_by) == (world.areas["a112"], "disarmed", 1)
    await plant.says(await reader(plant), plant.read(TAG))
    assert len(await plant.alerts()) == 1


async def test_a_guarded_ebike_taken_from_its_reader_is_noticed_by_silence(
    plant: Plant, world: World, clock: Clock, news: list[News]
) -> None:
    owner = await world.living_in("a111/1")
    ebike = await plant.ebike("a111/1", owner, TAG)
    stand = await reader(plant)
    await plant.says(stand, plant.read(TAG))
    clock.advance(seconds=2)
    await switch(plant, world, "a111/1", ebike, on=True)
    clock.advance(seconds=2)
    await plant.says(stand, plant.read(TAG))  # still there, guarded
    assert await plant.alerts() == []
    clock.advance(seconds=11)
    news.clear()
    assert await closed(plant) == 1
    (alert,) = await plant.alerts()
    assert (alert.kind, alert.explanation["because"]["phase"]) == ("ebike_moved", "leave")
    assert news == [News(frozenset({"alerts", "events", "outbox"}), frozenset({world.areas["a111"]}))]


async def test_an_ebike_that_had_left_before_it_was_armed_is_not_leaving(
    plant: Plant, world: World, clock: Clock
) -> None:
    ebike = await plant.ebike("a111/1", await world.living_in("a111/1"), TAG)
    await plant.says(await reader(plant), plant.read(TAG))
    clock.advance(seconds=4)
    await switch(plant, world, "a111/1", ebike, on=True)
    clock.advance(seconds=8)
    assert await closed(plant) == 1
    assert await plant.alerts() == []


async def test_silence_is_closed_in_bounded_batches_and_beside_a_flush(
    plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    gate, other = await reader(plant), await reader(plant)
    for device in (gate, other):
        await plant.says(device, *(plant.read(f"AB{n:04d}") for n in range(5)))
    clock.advance(seconds=20)
    assert await closed(plant, most=3) == 3
    await superuser.execute("begin")
    await superuser.execute("select pg_advisory_xact_lock(7418, $1)", gate.id)  # its reads are being flushed
    assert await closed(plant) in (2, 3, 4, 5)
    assert await superuser.fetchval("select count(distinct device_id) from tag_presence") == 1
    await superuser.execute("rollback")
    await closed(plant)
    assert await superuser.fetchval("select count(*) from tag_presence") == 0
    assert (await phases(superuser)).count("leave") == 10
