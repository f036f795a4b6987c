"""Booking: a time, a series, and races for both by real transactions."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import select

from domain.community.housekeeping.calendar import Every, Shift
from domain.community.housekeeping.catalogue import retire_provider, retire_service
from domain.community.housekeeping.errors import (
    InvalidQuantity,
    InvalidTime,
    OutsideHours,
    SlotTaken,
    WorkerBooked,
)
from domain.community.housekeeping.models import Booking, Service
from domain.community.housekeeping.rules import Terms, Unit
from domain.community.housekeeping.service import Booked
from domain.community.housekeeping.slots import Asked, alternatives, offered, wish
from domain.community.housekeeping.staff import add_absence, retire_worker
from domain.kernel.actor import HomeRole, Role, Trust
from domain.kernel.errors import Forbidden, NotFound
from tests.factories.clock import Clock
from tests.factories.housekeeping import ALWAYS, HOURLY, VISIT, Cleaners
from tests.factories.world import World


async def retire(cleaners: Cleaners, worker: int) -> None:
    async with cleaners.database.unit_of_work(cleaners.world.everywhere) as uow:
        await retire_worker(uow, worker_id=worker)


async def test_a_booking_has_its_worker_charge_application_and_address(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    service, worker = await cleaners.service(), await cleaners.worker()
    resident = await cleaners.actor(await world.living_in("a111/1"))
    made = await cleaners.book(resident, "a111/1", service, starts_at=cleaners.at(), note="带吸尘器")
    row = await superuser.fetchrow("select * from housekeeping_booking")
    assert made == Booked((row["id"],))
    assert (row["worker_id"], row["state"], row["price_fen"], row["quantity"]) == (worker, "booked", 10_000, 1)
    assert (row["starts_at"], row["ends_at"]) == (cleaners.at(), cleaners.at(hour=11))
    assert row["free_until"] == cleaners.at(days=6)
    assert (row["address"], row["note"]) == ("a111 1栋 1-1", "带吸尘器")
    charge = await superuser.fetchrow("select * from charge")
    assert (charge["id"], charge["amount_fen"], charge["state"]) == (row["charge_id"], 10_000, "open")
    assert (charge["due_on"], charge["title"]) == (cleaners.at().date(), f"日常保洁 {cleaners.at():%Y-%m-%d} 09:00")
    application = await superuser.fetchrow("select * from application")
    assert (application["id"], application["kind"]) == (row["application_id"], "housekeeping")
    assert application["state"] == "accepted"


async def test_an_hourly_visit_is_not_charged_before_it_is_done(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    service, _ = await cleaners.service(HOURLY), await cleaners.worker()
    resident = await cleaners.actor(await world.living_in("a111/1"))
    await cleaners.book(resident, "a111/1", service, starts_at=cleaners.at(), minutes=150)
    row = await superuser.fetchrow("select * from housekeeping_booking")
    assert (row["charge_id"], row["price_fen"], row["quantity"]) == (None, 10_000, 150)
    assert await superuser.fetchval("select count(*) from charge") == 0


async def test_two_residents_want_one_time_and_one_gets_it(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    service, _ = await cleaners.service(), await cleaners.worker()
    first = await cleaners.actor(await world.living_in("a111/1"))
    second = await cleaners.actor(await world.living_in("a111/2"))
    for days in range(3, 8):
        answers = await asyncio.gather(
            cleaners.book(first, "a111/1", service, starts_at=cleaners.at(days=days)),
            cleaners.book(second, "a111/2", service, starts_at=cleaners.at(days=days, hour=10)),
            return_exceptions=True,
        )
        assert {type(each) for each in answers} == {Booked, SlotTaken}
    for table in ("housekeeping_booking", "housekeeping_hold", "charge", "application"):
        assert await superuser.fetchval(f"select count(*) from {table}") == 5


async def test_who_is_free_comes_and_who_has_least_to_do_before_the_others(world: World, cleaners: Cleaners) -> None:
    service, workers = await cleaners.service(), [await cleaners.worker() for _ in range(2)]
    resident = await cleaners.actor(await world.living_in("a111/1"))

    async def who(**said: object) -> int:
        made = await cleaners.book(resident, "a111/1", service, **said)
        async with cleaners.database.reader(world.everywhere.scope) as reader:
            return int(await reader.scalar(select(Booking.worker_id).where(Booking.id == made.booking_ids[0])))

    assert await who(starts_at=cleaners.at()) == workers[0]
    assert await who(starts_at=cleaners.at(hour=14)) == workers[1]
    assert await who(starts_at=cleaners.at(hour=9, minute=30)) == workers[1]
    with pytest.raises(SlotTaken) as taken:
        await who(starts_at=cleaners.at(hour=10))
    assert taken.value.taken == (cleaners.at(hour=10),)
    assert await who(starts_at=cleaners.at(hour=17), worker_id=workers[0]) == workers[0]
    with pytest.raises(SlotTaken):
        await who(starts_at=cleaners.at(hour=17), worker_id=workers[0])


async def test_a_worker_of_two_compounds_is_in_one_place_at_a_time(world: World, cleaners: Cleaners) -> None:
    person = await world.person()
    here, there = await cleaners.service(), await cleaners.service(compound="a112")
    await cleaners.worker(person=person)
    await cleaners.worker("a112", person=person)
    one = await cleaners.actor(await world.living_in("a111/1"))
    other = await cleaners.actor(await world.living_in("a112/1"))
    await cleaners.book(one, "a111/1", here, starts_at=cleaners.at())
    with pytest.raises(SlotTaken):
        await cleaners.book(other, "a112/1", there, starts_at=cleaners.at(hour=10))
    async with cleaners.database.reader(other.scope) as reader:
        row = await reader.row(select(Service.__table__).where(Service.id == there))
        now = cleaners.database.clock()
        wanted = wish(row, Asked(since=cleaners.at(hour=8)), now=now)
        free = (await offered(reader, [wanted], now=now))[wanted]
        near = await alternatives(reader, row, Asked(), wanted=cleaners.at(hour=10), now=now)
    taken = [slot.span.starts_at for slot in free if cleaners.at(hour=7) < slot.span.starts_at < cleaners.at(hour=11)]
    assert taken == []  # what ends at nine begins at seven, what begins at eleven is free again
    assert [slot.span.starts_at for slot in near] == [
        cleaners.at(hour=7),
        cleaners.at(hour=11),
        cleaners.at(hour=11, minute=30),
        cleaners.at(hour=12),
        cleaners.at(hour=12, minute=30),
    ]


async def test_as_soon_as_possible_means_the_next_free_time(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    service, _ = await cleaners.service(), await cleaners.worker()
    first = await cleaners.actor(await world.living_in("a111/1"))
    second = await cleaners.actor(await world.living_in("a111/2"))
    await asyncio.gather(cleaners.book(first, "a111/1", service), cleaners.book(second, "a111/2", service))
    one, other = await superuser.fetch("select starts_at, ends_at from housekeeping_booking order by starts_at")
    now = cleaners.database.clock()
    assert now + timedelta(hours=2) <= one["starts_at"] <= now + timedelta(hours=2, minutes=30)
    assert other["starts_at"] == one["ends_at"]


async def test_nobody_at_work_has_no_time(world: World, cleaners: Cleaners) -> None:
    service = await cleaners.service()
    resident = await cleaners.actor(await world.living_in("a111/1"))
    with pytest.raises(SlotTaken):
        await cleaners.book(resident, "a111/1", service)
    await cleaners.worker(shifts=[Shift(n, 540, 720) for n in range(1, 8)])
    for hour, minute in ((8, 0), (11, 0), (9, 10)):
        with pytest.raises(OutsideHours):
            await cleaners.book(resident, "a111/1", service, starts_at=cleaners.at(hour=hour, minute=minute))


async def test_a_series_is_booked_as_a_whole_or_not_at_all(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    service, _ = await cleaners.service(), await cleaners.worker()
    first = await cleaners.actor(await world.living_in("a111/1"))
    second = await cleaners.actor(await world.living_in("a111/2"))
    await cleaners.book(second, "a111/2", service, starts_at=cleaners.at(days=14))
    weekly = {"starts_at": cleaners.at(), "every": Every.WEEK, "times": 4}
    with pytest.raises(SlotTaken) as taken:
        await cleaners.book(first, "a111/1", service, **weekly)
    assert taken.value.taken == (cleaners.at(days=14),)
    assert await superuser.fetchval("select count(*) from housekeeping_hold") == 1
    made = await cleaners.book(first, "a111/1", service, **weekly, skip_taken=True)
    assert (len(made.booking_ids), made.skipped) == (3, (cleaners.at(days=14),))
    rows = await superuser.fetch("select * from housekeeping_booking where series_id is not null order by id")
    assert [row["starts_at"] for row in rows] == [cleaners.at(days=days) for days in (7, 21, 28)]
    assert len({row["charge_id"] for row in rows} | {row["application_id"] for row in rows}) >= 3
    with pytest.raises(SlotTaken):
        await cleaners.book(second, "a111/2", service, starts_at=cleaners.at(days=21), every=Every.WEEK, times=2,
                            skip_taken=True)  # fmt: skip


async def test_two_series_for_the_same_times_do_not_deadlock(world: World, cleaners: Cleaners) -> None:
    service, _ = await cleaners.service(), await cleaners.worker()
    first = await cleaners.actor(await world.living_in("a111/1"))
    second = await cleaners.actor(await world.living_in("a111/2"))
    said = {"every": Every.WEEK, "times": 6, "skip_taken": True}
    one, other = await asyncio.gather(
        cleaners.book(first, "a111/1", service, starts_at=cleaners.at(), **said),
        cleaners.book(second, "a111/2", service, starts_at=cleaners.at(days=14), **said),
    )
    assert len(one.booking_ids) + len(other.booking_ids) == 7
    assert len(one.skipped) + len(other.skipped) == 5


async def test_who_may_book_for_a_home(world: World, cleaners: Cleaners) -> None:
    service, _ = await cleaners.service(), await cleaners.worker()
    unverified = await world.living_in("a111/1", HomeRole.OWNER, Trust.PHONE)
    neighbour = await world.living_in("a111/2")
    for person, error in (
        (unverified, Forbidden),
        (neighbour, NotFound),
        (await world.with_role(Role.COMMUNITY_POLICE, "a11"), Forbidden),
        (await world.with_role(Role.PROPERTY_STAFF, "a112"), NotFound),
        (await world.with_role(Role.SERVICE_WORKER, "a111"), NotFound),
    ):
        with pytest.raises(error):
            await cleaners.book(await cleaners.actor(person), "a111/1", service, starts_at=cleaners.at())
    staff = await cleaners.actor(await world.with_role(Role.PROPERTY_STAFF, "a111"))
    assert await cleaners.book(staff, "a111/1", service, starts_at=cleaners.at())


async def test_only_what_is_offered_in_the_homes_compound(world: World, cleaners: Cleaners) -> None:
    service, worker = await cleaners.service(), await cleaners.worker()
    there, theirs = await cleaners.service(compound="a112"), await cleaners.worker("a112")
    both = await world.living_in("a111/1")
    await world.living_in("a112/1", person=both)
    actor = await cleaners.actor(both)
    for said in ({"service": there}, {"service": service, "worker_id": theirs}):
        with pytest.raises(NotFound):
            await cleaners.book(actor, "a111/1", starts_at=cleaners.at(), **said)
    with pytest.raises(InvalidQuantity):
        await cleaners.book(actor, "a111/1", service, starts_at=cleaners.at(), minutes=60)
    for days in (0, 181):
        with pytest.raises(InvalidTime):
            await cleaners.book(actor, "a111/1", service, starts_at=cleaners.at(days=days, hour=0))
    async with cleaners.database.unit_of_work(world.everywhere) as uow:
        await retire_service(uow, service_id=service)
        await retire_provider(uow, provider_id=cleaners.providers["a112"])
    for home, gone in (("a111/1", service), ("a112/1", there)):
        with pytest.raises(NotFound):
            await cleaners.book(actor, home, gone, starts_at=cleaners.at())
    assert worker


async def test_absences_and_bookings_exclude_each_other(world: World, cleaners: Cleaners, clock: Clock) -> None:
    service, worker = await cleaners.service(), await cleaners.worker()
    resident = await cleaners.actor(await world.living_in("a111/1"))
    await cleaners.book(resident, "a111/1", service, starts_at=cleaners.at())

    async def away(days: int) -> None:
        async with cleaners.database.unit_of_work(world.everywhere) as uow:
            span = (cleaners.at(days=days, hour=0), cleaners.at(days=days + 1, hour=0))
            await add_absence(uow, worker_id=worker, starts_at=span[0], ends_at=span[1])

    with pytest.raises(WorkerBooked):
        await away(7)
    await away(8)
    with pytest.raises(SlotTaken):
        await cleaners.book(resident, "a111/1", service, starts_at=cleaners.at(days=8))
    with pytest.raises(WorkerBooked):
        await retire(cleaners, worker)


async def test_a_worker_is_retired_or_booked_never_both(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    service = await cleaners.service()
    resident = await cleaners.actor(await world.living_in("a111/1"))
    for days in range(3, 8):
        worker = await cleaners.worker()
        booked, retired = await asyncio.gather(
            cleaners.book(resident, "a111/1", service, worker_id=worker, starts_at=cleaners.at(days=days)),
            retire(cleaners, worker),
            return_exceptions=True,
        )
        assert (type(booked), type(retired)) in {
            (Booked, WorkerBooked),
            (SlotTaken, type(None)),
            (NotFound, type(None)),
        }
    odd = "select count(*) from housekeeping_booking b join housekeeping_worker w on w.id = b.worker_id"
    assert await superuser.fetchval(f"{odd} where w.retired_at is not null") == 0


async def test_by_area_it_takes_as_long_as_it_takes(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    terms = Terms(Unit.SQUARE_METRE, price_fen=500, minimum_fen=20_000, minutes=60, pace=20)
    service, _ = await cleaners.service(terms), await cleaners.worker(shifts=ALWAYS)
    resident = await cleaners.actor(await world.living_in("a111/1"))
    await cleaners.book(resident, "a111/1", service, starts_at=cleaners.at(), square_metres=95)
    row = await superuser.fetchrow("select *, ends_at - starts_at as lasts from housekeeping_booking")
    assert (row["lasts"], row["price_fen"]) == (timedelta(hours=5), 47_500)
    assert VISIT.unit is Unit.VISIT
