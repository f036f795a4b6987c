"""Applications: counted once, one way forward, each step in the log, numbers of what became of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.community.applications.errors import AlreadySubmitted, ApplicationOver, TooManyOpen
from domain.community.applications.queries import statistics
from domain.community.applications.rules import MOST_OPEN
from domain.community.applications.service import Kind, Progress, progress, submit
from domain.kernel.actor import Role, Scope, system_actor
from domain.kernel.errors import NotFound
from domain.kernel.texts import InvalidText
from domain.kernel.uow import News
from tests.db.identity.test_standing import actor_of
from tests.factories.clock import Clock
from tests.factories.world import World

LOG = "select state, note, accepted_at is not null as accepted, closed_at is not null as ended, account_id from"
LOG += " application_change where application_id = $1 order by xid, id"


async def submitted(world: World, subject: int = 1, home: str = "a111/1", kind: Kind = Kind.REPAIR) -> int:
    async with world.database.unit_of_work(world.everywhere) as uow:
        return await submit(uow, kind=kind, subject_id=subject, home_id=world.homes[home], title="冰箱不制冷")


async def come_to(world: World, application: int, state: Progress, note: str = "") -> None:
    async with world.database.unit_of_work(world.everywhere) as uow:
        await progress(uow, application_id=application, state=state, note=note)


async def test_every_step_is_in_the_log_and_is_news(
    world: World, superuser: asyncpg.Connection, news: list[News]
) -> None:
    news.clear()
    made = await submitted(world)
    for state in (Progress.ACCEPTED, Progress.SUBMITTED, Progress.IN_PROGRESS, Progress.HANDLED):
        await come_to(world, made, state, f"note {state}")

    assert [tuple(row)[:4] for row in await superuser.fetch(LOG, made)] == [
        ("submitted", "", False, False),
        ("accepted", "note accepted", True, False),
        ("submitted", "note submitted", True, False),  # the first acceptance is what is counted
        ("in_progress", "note in_progress", True, False),
        ("handled", "note handled", True, True),
    ]
    assert all("requests" in said.topics and said.compounds == {world.areas["a111"]} for said in news)
    assert len(news) == 5


async def test_one_matter_is_one_application(world: World) -> None:
    await submitted(world)
    with pytest.raises(AlreadySubmitted):
        await submitted(world)
    await submitted(world, kind=Kind.HOUSEKEEPING)


async def test_a_home_has_only_so_much_under_way_whoever_asks_at_once(
    world: World, superuser: asyncpg.Connection
) -> None:
    async with world.database.unit_of_work(world.everywhere) as uow:
        for subject in range(1, MOST_OPEN):
            await submit(uow, kind=Kind.REPAIR, subject_id=subject, home_id=world.homes["a111/1"], title="x")
    at_once = await asyncio.gather(*(submitted(world, 100 + n) for n in range(4)), return_exceptions=True)
    assert [type(each) for each in at_once].count(TooManyOpen) == 3
    await submitted(world, 200, home="a111/2")
    await come_to(world, await superuser.fetchval("select min(id) from application"), Progress.HANDLED)
    await submitted(world, 201)


async def test_what_is_out_of_sight_or_not_said_is_refused(world: World) -> None:
    made = await submitted(world)
    neighbour = system_actor(Scope(homes=(world.homes["a111/2"],)))
    async with world.database.unit_of_work(neighbour) as uow:
        with pytest.raises(NotFound):
            await submit(uow, kind=Kind.REPAIR, subject_id=2, home_id=world.homes["a111/1"], title="x")
        with pytest.raises(NotFound):
            await progress(uow, application_id=made, state=Progress.ACCEPTED)
        with pytest.raises(InvalidText):
            await submit(uow, kind=Kind.REPAIR, subject_id=2, home_id=world.homes["a111/2"], title=" ")


async def test_an_end_is_an_end(world: World) -> None:
    made = await submitted(world)
    await come_to(world, made, Progress.CANCELLED)
    for state in Progress:
        with pytest.raises(ApplicationOver):
            await come_to(world, made, state)


async def test_of_two_ends_at_once_one_is_reached(world: World, superuser: asyncpg.Connection) -> None:
    made = await submitted(world)
    ends = (Progress.HANDLED, Progress.CANCELLED)
    done = await asyncio.gather(*(come_to(world, made, end) for end in ends), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["ApplicationOver", "NoneType"]
    assert len(await superuser.fetch(LOG, made)) == 2


async def test_the_application_cannot_rewrite_its_log(world: World) -> None:
    await submitted(world)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with world.database.unit_of_work(world.everywhere) as uow:
            await uow.session.execute(text("update application_change set note = ''"))


async def test_numbers_of_a_span(world: World, clock: Clock) -> None:
    office = await actor_of(world, await world.with_role(Role.PROPERTY_STAFF, "a111"))
    start = clock()
    fates = [(Progress.HANDLED, n) for n in (1, 2, 3, 4)] + [(Progress.CANCELLED, 0), (Progress.ACCEPTED, 10)]
    for subject, (fate, hours) in enumerate(fates):
        made = await submitted(world, subject)
        begun = clock.instant
        clock.advance(hours=hours)
        if hours:
            await come_to(world, made, Progress.ACCEPTED)
        clock.advance(hours=hours)
        if fate is not Progress.ACCEPTED:
            await come_to(world, made, fate)
        clock.instant = begun
    await submitted(world, 90, kind=Kind.HOUSEKEEPING)
    await submitted(world, 91, home="a112/1")
    clock.advance(days=1)
    await submitted(world, 92)
    async with world.database.reader(office.scope) as reader:
        total, *kinds = await statistics(reader, office, area_id=None, since=start, until=start + timedelta(days=1))
    assert (total.kind, total.submitted, total.accepted, total.open) == (None, 7, 5, 2)
    assert (total.handled, total.cancelled, total.rejected) == (4, 1, 0)
    assert (total.accept_median, total.handle_median) == (timedelta(hours=3), timedelta(hours=5))
    assert (total.accept_p90, total.handle_p90) == (timedelta(hours=7.6), timedelta(hours=7.4))
    assert [(each.kind, each.submitted, each.accept_median) for each in kinds] == [
        (Kind.HOUSEKEEPING, 1, None), (Kind.REPAIR, 6, timedelta(hours=3)),
    ]  # fmt: skip
