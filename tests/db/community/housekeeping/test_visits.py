"""What becomes of a booking: cancelled, reassigned, done, paid, rated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from domain.community.housekeeping import visits
from domain.community.housekeeping.calendar import Every, Shift
from domain.community.housekeeping.errors import OutsideHours, SlotTaken, TooEarly, TooLate, WrongState
from domain.community.housekeeping.retention import forget_words
from domain.community.payments.errors import NotRefundable
from domain.community.payments.ports import Channel
from domain.kernel.actor import Actor, HomeRole, Role, Trust
from domain.kernel.errors import Forbidden, NotFound
from tests.factories.clock import Clock
from tests.factories.housekeeping import HOURLY, Cleaners
from tests.factories.till import Till
from tests.factories.world import World

Do = Callable[..., Awaitable[Any]]


async def do(cleaners: Cleaners, actor: Actor, command: Do, booking: int, **said: Any) -> None:
    async with cleaners.database.unit_of_work(actor) as uow:
        await command(uow, booking_id=booking, **said)


async def someone(world: World, cleaners: Cleaners, **said: Any) -> tuple[Actor, Actor, int]:
    """A resident, the worker, and a visit in seven days at nine."""
    service = await cleaners.service(said.pop("terms")) if "terms" in said else await cleaners.service()
    worker = await cleaners.worker()
    resident = await cleaners.actor(await world.living_in("a111/1"))
    (booking,) = (await cleaners.book(resident, "a111/1", service, starts_at=cleaners.at(), **said)).booking_ids
    return resident, await cleaners.actor(cleaners.workers[worker]), booking


async def test_cancelled_in_time_it_costs_nothing_and_the_time_is_free_again(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    resident, _, booking = await someone(world, cleaners)
    await do(cleaners, resident, visits.cancel, booking)
    row = await superuser.fetchrow("select * from housekeeping_booking")
    assert (row["state"], row["fee_fen"], row["by_office"]) == ("cancelled", 0, False)
    assert await superuser.fetchval("select state from charge") == "void"
    assert await superuser.fetchval("select state from application") == "cancelled"
    with pytest.raises(WrongState):
        await do(cleaners, resident, visits.cancel, booking)
    assert await cleaners.book(resident, "a111/1", row["service_id"], starts_at=cleaners.at())


@pytest.mark.parametrize(("by", "owed"), [("home", 5_000), ("office", 0)])
async def test_cancelled_late_by_the_home_a_part_is_due(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection, by: str, owed: int
) -> None:
    resident, _, booking = await someone(world, cleaners)
    staff = await cleaners.actor(await world.with_role(Role.PROPERTY_STAFF, "a111"))
    clock.instant = cleaners.at() - timedelta(hours=23)
    await do(cleaners, resident if by == "home" else staff, visits.cancel, booking)
    row = await superuser.fetchrow("select fee_fen, by_office from housekeeping_booking")
    assert tuple(row) == (owed, by == "office")
    charge = await superuser.fetchrow("select state, amount_fen from charge")
    assert tuple(charge) == (("open", owed) if owed else ("void", 10_000))


async def test_an_hourly_visit_cancelled_late_is_charged_then(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection
) -> None:
    resident, _, booking = await someone(world, cleaners, terms=HOURLY, minutes=120)
    clock.instant = cleaners.at() - timedelta(hours=1)
    await do(cleaners, resident, visits.cancel, booking)
    assert await superuser.fetchval("select amount_fen from charge where subject = 'booking'") == 4_000
    assert await superuser.fetchval("select charge_id from housekeeping_booking") is not None


@pytest.mark.parametrize(("late", "expected"), [(False, 10_000), (True, 5_000)])
async def test_what_was_paid_is_given_back_but_for_the_fee(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection, late: bool, expected: int
) -> None:
    resident, _, booking = await someone(world, cleaners)
    till = Till(world, cleaners.database, superuser)
    started = await till.attempt(await till.order([await superuser.fetchval("select id from charge")]))
    paid = till.vendors[Channel.WECHAT_NATIVE.vendor].pay(started.trade.out_trade_no)
    with pytest.raises(NotRefundable):  # the payment is under way
        await do(cleaners, resident, visits.cancel, booking)
    await till.take(paid)
    if late:
        clock.instant = cleaners.at() - timedelta(hours=1)
    await do(cleaners, resident, visits.cancel, booking)
    charge = await superuser.fetchrow("select state, amount_fen, refunding_fen from charge")
    assert tuple(charge) == ("paid", 10_000, expected)
    await till.sound()


async def test_the_words_of_old_visits_are_forgotten(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection
) -> None:
    await someone(world, cleaners, note="三楼")
    said = "select address || note || review from housekeeping_booking"
    for days, forgotten in ((406, 0), (3, 1), (0, 0)):
        clock.advance(days=days)
        async with cleaners.database.unit_of_work(world.everywhere) as uow:
            assert await forget_words(uow, limit=5) == forgotten
        assert bool(await superuser.fetchval(said)) is (days == 406)


async def test_once_the_time_has_begun_the_office_decides(world: World, cleaners: Cleaners, clock: Clock) -> None:
    resident, _, booking = await someone(world, cleaners)
    clock.instant = cleaners.at() + timedelta(seconds=1)
    with pytest.raises(TooLate):
        await do(cleaners, resident, visits.cancel, booking)
    staff = await cleaners.actor(await world.with_role(Role.PROPERTY_STAFF, "a111"))
    await do(cleaners, staff, visits.cancel, booking)


async def test_a_visit_is_begun_done_and_rated_once(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection
) -> None:
    resident, worker, booking = await someone(world, cleaners)
    with pytest.raises(TooEarly):
        await do(cleaners, worker, visits.check_in, booking)
    clock.instant = cleaners.at() - timedelta(minutes=10)
    for command, said in ((visits.check_out, {}), (visits.rate, {"stars": 5})):
        with pytest.raises(WrongState):
            await do(cleaners, worker if command is visits.check_out else resident, command, booking, **said)
    answers = await asyncio.gather(
        *(do(cleaners, worker, visits.check_in, booking) for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in answers].count(WrongState) == 2
    assert await superuser.fetchval("select state from application") == "in_progress"
    with pytest.raises(WrongState):
        await do(cleaners, resident, visits.cancel, booking)
    clock.advance(minutes=100)
    await do(cleaners, worker, visits.check_out, booking)
    assert await superuser.fetchval("select ends_at from housekeeping_hold") == clock()
    assert await superuser.fetchval("select state from application") == "handled"
    answers = await asyncio.gather(
        *(do(cleaners, resident, visits.rate, booking, stars=4, review="很干净") for _ in range(3)),
        return_exceptions=True,
    )
    assert [type(each) for each in answers].count(WrongState) == 2
    row = await superuser.fetchrow("select stars, review, price_fen from housekeeping_booking")
    assert tuple(row) == (4, "很干净", 10_000)
    events = await superuser.fetch(
        "select name, payload::text from outbox_event where name like 'housekeeping.%' order by id"
    )
    assert [event["name"] for event in events] == ["housekeeping.told", "housekeeping.rated"]
    async with cleaners.database.unit_of_work(world.everywhere) as uow:
        await visits.count_stars(uow, worker_id=1, stars=4)
        await visits.count_stars(uow, worker_id=1, stars=5)
    assert tuple(await superuser.fetchrow("select ratings, stars from housekeeping_worker")) == (2, 9)


async def test_what_ends_before_its_time_frees_all_of_it(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection
) -> None:
    _, worker, booking = await someone(world, cleaners)
    clock.instant = cleaners.at() - timedelta(minutes=50)
    await do(cleaners, worker, visits.check_in, booking)
    await do(cleaners, worker, visits.check_out, booking)
    assert await superuser.fetchval("select removed_at from housekeeping_hold") == clock()


async def test_hours_are_charged_as_worked_and_once(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection
) -> None:
    _, worker, booking = await someone(world, cleaners, terms=HOURLY, minutes=180)
    clock.instant = cleaners.at()
    await do(cleaners, worker, visits.check_in, booking)
    clock.advance(minutes=100)
    await do(cleaners, worker, visits.check_out, booking)
    assert await superuser.fetchval("select count(*) from outbox_event where name = 'housekeeping.done'") == 1
    for _ in range(2):
        await do(cleaners, world.everywhere, visits.charge_hours, booking)
    charge = await superuser.fetchrow("select amount_fen, title from charge")
    assert tuple(charge) == (8_000, "日常保洁 120 分钟")
    row = await superuser.fetchrow("select quantity, price_fen, charge_id from housekeeping_booking")
    assert (row["quantity"], row["price_fen"]) == (120, 8_000)
    assert row["charge_id"] is not None


async def test_only_who_is_to_come_checks_in_and_only_who_lives_there_rates(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection
) -> None:
    resident, worker, booking = await someone(world, cleaners)
    colleague = await cleaners.actor(cleaners.workers[await cleaners.worker()])
    staff = await cleaners.actor(await world.with_role(Role.PROPERTY_STAFF, "a111"))
    clock.instant = cleaners.at()
    for actor, error in ((colleague, NotFound), (staff, Forbidden), (resident, Forbidden)):
        with pytest.raises(error):
            await do(cleaners, actor, visits.check_in, booking)
    await do(cleaners, worker, visits.check_in, booking)
    for actor, error in ((colleague, NotFound), (resident, Forbidden)):
        with pytest.raises(error):
            await do(cleaners, actor, visits.check_out, booking)
    await do(cleaners, worker, visits.check_out, booking)
    unverified = await cleaners.actor(await world.living_in("a111/1", HomeRole.MEMBER, Trust.PHONE))
    for actor, error in ((unverified, NotFound), (staff, Forbidden), (worker, Forbidden)):
        with pytest.raises(error):
            await do(cleaners, actor, visits.rate, booking, stars=1)
    await superuser.execute("update role_grant set revoked_at = now() where role = 'service_worker'")
    gone = await cleaners.actor(cleaners.workers[1])
    with pytest.raises(NotFound):
        await do(cleaners, gone, visits.check_in, booking)


async def test_the_office_ends_a_visit_whose_worker_left(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection
) -> None:
    _, worker, booking = await someone(world, cleaners, terms=HOURLY, minutes=180)
    manager = await cleaners.actor(await world.with_role(Role.PROPERTY_MANAGER, "a111"))
    next_door = await cleaners.actor(await world.with_role(Role.PROPERTY_MANAGER, "a112"))
    clock.instant = cleaners.at()
    with pytest.raises(WrongState):
        await do(cleaners, manager, visits.check_out, booking)  # nobody has come
    await do(cleaners, worker, visits.check_in, booking)
    await superuser.execute("update role_grant set revoked_at = now() where role = 'service_worker'")
    clock.advance(days=2)
    with pytest.raises(NotFound):
        await do(cleaners, next_door, visits.check_out, booking)
    await do(cleaners, manager, visits.check_out, booking)
    row = await superuser.fetchrow("select state, quantity, price_fen from housekeeping_booking")
    assert tuple(row) == ("done", 180, 12_000)  # no more than was booked
    assert await superuser.fetchval("select state from application") == "handled"
    act = "select account_id from audit_entry where action = 'housekeeping.checked_out'"
    assert await superuser.fetchval(act) == manager.account_id


async def test_another_worker_comes_who_has_the_time(
    world: World, cleaners: Cleaners, superuser: asyncpg.Connection
) -> None:
    resident, worker, booking = await someone(world, cleaners)
    staff = await cleaners.actor(await world.with_role(Role.PROPERTY_STAFF, "a111"))
    colleague, part_time = await cleaners.worker(), await cleaners.worker(shifts=[Shift(1, 0, 30)])
    stranger = await cleaners.worker("a112")
    service = await superuser.fetchval("select service_id from housekeeping_booking")
    for number, error in ((stranger, NotFound), (part_time, OutsideHours)):
        with pytest.raises(error):
            await do(cleaners, staff, visits.reassign, booking, worker_id=number)
    with pytest.raises(Forbidden):
        await do(cleaners, resident, visits.reassign, booking, worker_id=colleague)
    await do(cleaners, staff, visits.reassign, booking, worker_id=colleague)
    await do(cleaners, staff, visits.reassign, booking, worker_id=colleague)  # changes nothing
    row = await superuser.fetchrow("select worker_id, worker_account_id from housekeeping_booking")
    assert tuple(row) == (colleague, cleaners.workers[colleague].id)
    await cleaners.book(resident, "a111/1", service, worker_id=1, starts_at=cleaners.at())  # the first is free again
    with pytest.raises(SlotTaken):
        await do(cleaners, staff, visits.reassign, booking, worker_id=1)
    with pytest.raises(NotFound):
        await do(cleaners, worker, visits.check_in, booking)


async def test_a_series_ends_with_what_is_to_come(
    world: World, cleaners: Cleaners, clock: Clock, superuser: asyncpg.Connection
) -> None:
    service, worker = await cleaners.service(), await cleaners.worker()
    resident = await cleaners.actor(await world.living_in("a111/1"))
    neighbour = await cleaners.actor(await world.living_in("a111/2"))
    made = await cleaners.book(resident, "a111/1", service, starts_at=cleaners.at(), every=Every.WEEK, times=4)
    third = cleaners.at(days=21)
    clock.instant = cleaners.at()
    await do(cleaners, await cleaners.actor(cleaners.workers[worker]), visits.check_in, made.booking_ids[0])
    clock.instant = third - timedelta(hours=2)

    async def end(actor: Actor) -> None:
        async with cleaners.database.unit_of_work(actor) as uow:
            await visits.end_series(uow, series_id=1)

    with pytest.raises(NotFound):
        await end(neighbour)
    await end(resident)
    with pytest.raises(WrongState):
        await end(resident)
    rows = await superuser.fetch("select state, fee_fen from housekeeping_booking order by id")
    # Under way, missed by everybody (the office's matter), late, in time.
    assert [tuple(row) for row in rows] == [
        ("under_way", 0),
        ("booked", 0),
        ("cancelled", 5_000),
        ("cancelled", 0),
    ]
