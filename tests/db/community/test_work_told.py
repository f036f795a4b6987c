"""Pushes to those who work: the right people, in their language, about what is still so, and nothing about homes."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg
import pytest

from domain.community.housekeeping import visits
from domain.community.housekeeping.calendar import Every
from domain.community.housekeeping.telling import TITLES as VISIT_TITLES
from domain.community.housekeeping.telling import News as VisitNews
from domain.community.repairs import service, working
from domain.community.repairs.following import sweep_late
from domain.community.repairs.rules import RepairKind
from domain.community.repairs.telling import TITLES, News
from domain.identity.roles.service import revoke_role
from domain.identity.telling import moment
from domain.kernel.actor import Role
from tests.factories.clock import Clock
from tests.factories.housekeeping import SHANGHAI, Cleaners
from tests.factories.repairs import ITEMS, Repairs
from tests.factories.world import World
from tests.workers.test_notifications import Phones, table
from workers.relay import Relay

pytestmark = pytest.mark.usefixtures("superuser")


@pytest.fixture
async def repairs(world: World) -> Repairs:
    return await Repairs(world).people()


@pytest.fixture
def cleaners(world: World) -> Cleaners:
    return Cleaners(world, world.database)


async def told(world: World) -> list[tuple[int, str, str]]:
    """Who is told now, and what."""
    phones = Phones()
    await Relay(world.database, table(phones)).drain()
    return sorted((push.account_id, push.title, push.body) for push in phones.taken.values())


async def test_a_worker_is_told_what_others_do_to_their_repair(world: World, repairs: Repairs) -> None:
    worker, kit = repairs.persons["first"].id, {"worker_id": repairs.workers["first"]}
    repair = await repairs.ask()
    await repairs.do("staff", working.assign_repair, repair, **kit)
    assert await told(world) == [(worker, "新的维修任务", "冰箱，时间待约")]
    await repairs.do("staff", working.release_repair, repair, reason="改派")
    assert await told(world) == [(worker, "维修任务已收回", "冰箱，时间待约")]

    await repairs.do("first", working.grab_repair, repair)
    await repairs.do("first", working.quote_repair, repair, items=ITEMS)
    assert await told(world) == []  # they did it themselves
    await repairs.do("resident", service.answer_quotation, repair, accept=False)
    assert [title for _, title, _ in await told(world)] == ["住户未同意报价"]
    await repairs.do("first", working.quote_repair, repair, items=ITEMS)
    await repairs.do("resident", service.answer_quotation, repair, accept=True)
    assert [title for _, title, _ in await told(world)] == ["住户已同意报价"]
    await repairs.do("resident", service.cancel_repair, repair, reason="不修了")
    assert await told(world) == [(worker, "维修已取消", "冰箱，时间待约")]

    ended = await repairs.grabbed()
    await repairs.do("staff", service.reject_repair, ended, reason="不在范围")
    assert [title for _, title, _ in await told(world)] == ["物业已终止维修"]


async def test_the_time_is_the_compounds_and_the_words_the_accounts(
    world: World, repairs: Repairs, clock: Clock, superuser: asyncpg.Connection
) -> None:
    await superuser.execute("update account set language = 'en' where id = $1", repairs.persons["first"].id)
    day = clock().astimezone(SHANGHAI).date() + timedelta(days=2)
    begins = datetime(day.year, day.month, day.day, 22, tzinfo=SHANGHAI)
    for window, words in (
        ((begins, begins + timedelta(hours=1)), f"{day.day} {day:%b} 22:00–23:00"),
        ((begins, begins + timedelta(hours=3)), f"{day.day} {day:%b} 22:00 – {moment_of(begins, 3)}"),
    ):
        repair = await repairs.ask(kind=RepairKind.WASHING_MACHINE, window=window)
        await repairs.do("staff", working.assign_repair, repair, worker_id=repairs.workers["first"])
        assert await told(world) == [(repairs.persons["first"].id, "A repair for you", f"washing machine, {words}")]


def moment_of(begins: datetime, hours: int) -> str:
    return moment(begins + timedelta(hours=hours), "Asia/Shanghai", "en")


async def test_what_is_late_is_told_to_the_office_and_to_who_has_it(
    world: World, repairs: Repairs, clock: Clock
) -> None:
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    for place in ("a112", "b111"):
        await world.with_role(Role.PROPERTY_STAFF, place)
    gone = await world.with_role(Role.PROPERTY_STAFF, "a111")
    async with world.database.unit_of_work(world.everywhere) as uow:
        await revoke_role(uow, grant_id=await world.grant_id(gone))
    office = sorted([repairs.persons["staff"].id, manager.id])
    repair = await repairs.ask()
    clock.advance(hours=3)
    await swept(world)
    assert [(account, title) for account, title, _ in await told(world)] == [(n, "维修超时未接单") for n in office]
    assert await told(world) == []

    await repairs.do("first", working.grab_repair, repair)
    clock.advance(days=3)
    await swept(world)
    late = sorted([*office, repairs.persons["first"].id])
    assert [(account, title) for account, title, _ in await told(world)] == [(n, "维修超时未完成") for n in late]


async def swept(world: World) -> None:
    async with world.database.unit_of_work(world.everywhere) as uow:
        assert await sweep_late(uow, limit=10) == 1


async def test_news_that_hold_no_more_are_not_sent(world: World, repairs: Repairs, clock: Clock) -> None:
    given, late = await repairs.ask(), await repairs.ask()
    await repairs.do("staff", working.assign_repair, given, worker_id=repairs.workers["first"])
    await repairs.do("resident", service.cancel_repair, given, reason="不修了")
    clock.advance(hours=3)
    await swept(world)
    await repairs.do("second", working.grab_repair, late)
    assert [title for _, title, _ in await told(world)] == ["维修已取消"]


async def test_who_gets_a_repair_from_another_is_told_and_so_is_who_had_it(world: World, repairs: Repairs) -> None:
    repair = await repairs.agreed()
    await told(world)
    await repairs.do("staff", working.assign_repair, repair, worker_id=repairs.workers["second"])
    assert [(account, title) for account, title, _ in await told(world)] == sorted(
        [(repairs.persons["first"].id, "维修任务已收回"), (repairs.persons["second"].id, "新的维修任务")]
    )


async def test_who_does_not_work_there_any_more_is_told_nothing(world: World, repairs: Repairs) -> None:
    repair = await repairs.grabbed()
    async with world.database.unit_of_work(world.everywhere) as uow:
        await revoke_role(uow, grant_id=await world.grant_id(repairs.persons["first"]))
    await repairs.do("resident", service.cancel_repair, repair, reason="不修了")
    assert await told(world) == []


async def test_a_worker_is_told_of_visits_given_given_away_and_cancelled(world: World, cleaners: Cleaners) -> None:
    price, first = await cleaners.service(), await cleaners.worker()
    resident = await cleaners.actor(await world.living_in("a111/1"))
    staff = await cleaners.actor(await world.with_role(Role.PROPERTY_STAFF, "a111"))
    when = moment(cleaners.at(), "Asia/Shanghai", "zh-CN")
    mine = cleaners.workers[first].id
    (booking,) = (await cleaners.book(resident, "a111/1", price, starts_at=cleaners.at())).booking_ids
    assert await told(world) == [(mine, "新的家政预约", f"日常保洁，{when}")]

    second = await cleaners.worker()
    async with world.database.unit_of_work(staff) as uow:
        await visits.reassign(uow, booking_id=booking, worker_id=second)
    other = cleaners.workers[second].id
    assert [(account, title) for account, title, _ in await told(world)] == sorted(
        [(mine, "家政预约已改派"), (other, "新的家政预约")]
    )
    async with world.database.unit_of_work(resident) as uow:
        await visits.cancel(uow, booking_id=booking)
    assert await told(world) == [(other, "家政预约已取消", f"日常保洁，{when}")]


async def test_a_series_is_one_push(world: World, cleaners: Cleaners, superuser: asyncpg.Connection) -> None:
    price, worker = await cleaners.service(), await cleaners.worker()
    resident = await cleaners.actor(await world.living_in("a111/1"))
    when, mine = moment(cleaners.at(), "Asia/Shanghai", "zh-CN"), cleaners.workers[worker].id
    await cleaners.book(resident, "a111/1", price, starts_at=cleaners.at(), every=Every.WEEK, times=3)
    assert await told(world) == [(mine, "新的家政预约", f"日常保洁，{when}起，共 3 次")]
    async with world.database.unit_of_work(resident) as uow:
        await visits.end_series(uow, series_id=await superuser.fetchval("select id from housekeeping_series"))
    assert await told(world) == [(mine, "家政预约已取消", f"日常保洁，{when}起，共 3 次")]


@pytest.mark.parametrize(("titles", "news"), [(TITLES, News), (VISIT_TITLES, VisitNews)])
def test_there_are_words_for_everything_in_both_languages(titles: dict[str, dict[str, str]], news: type) -> None:
    assert set(titles) == set(news)  # type: ignore[arg-type]
    assert all(set(words) == {"zh-CN", "en"} and all(words.values()) for words in titles.values())
