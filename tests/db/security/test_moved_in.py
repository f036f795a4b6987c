"""Who moves into a home does not see what was over there before: SQL, Python and the clock agree."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import asyncpg
import pytest
from sqlalchemy import ColumnElement, select

from domain.estate.visibility import at_home, visible_to
from domain.identity.households.service import end_household
from domain.identity.models import Household
from domain.kernel.actor import Actor, HomeRole, Role, Trust
from domain.kernel.uow import Database
from domain.security.alerts.models import Alert
from domain.security.alerts.policies import shows, sight_of, visible
from domain.security.events.models import Event
from tests.factories.api import Api
from tests.factories.clock import Clock
from tests.factories.world import Person, World

HOMES = ("a111/1", "a111/2", "b111/1")
INSTANT = timedelta(microseconds=1)
ALERT = """
insert into alert (county_id, town_id, community_id, compound_id, source, kind, severity, home_id, audience,
                   explanation, raised_at, updated_at, cleared_at)
select county_id, town_id, community_id, compound_id, $2, 'gas', 4, $3, '["home"]', '{}', $4, $4, $5
from area where id = $1
"""
EVENT = """
insert into event (county_id, town_id, community_id, compound_id, id, at, device_id, home_id, kind, received_at,
                   attributes)
select county_id, town_id, community_id, compound_id, $2, $4, 1, $3, 'passage', $5, '{}'
from area where id = $1
"""


async def actor_of(api: Api, person: Person) -> Actor:
    api.authenticator.forget([person.id])
    return (await api.authenticator.identify(f"Bearer {await api.token(person)}")).actor


async def ids(
    database: Database, actor: Actor, table: type[Alert] | type[Event], test: ColumnElement[bool]
) -> set[int]:
    """The rows of ``table`` that fulfil ``test``, under row-level security too."""
    async with database.reader(actor.scope) as reader:
        return {row.id for row in await reader.rows(select(table.id).where(test))}


async def test_an_actor_knows_since_when_it_belongs_to_each_home(
    api: Api, world: World, clocked: Database, clock: Clock
) -> None:
    early, late = clock.instant - timedelta(days=9, microseconds=120), clock.instant
    person = await world.living_in("a111/1", since=early)
    await world.living_in("b111/1", HomeRole.TENANT, Trust.PHONE, person, since=late)
    actor = await actor_of(api, person)
    assert {home.home_id: home.since for home in actor.households} == {
        world.homes["a111/1"]: early,
        world.homes["b111/1"]: late,
    }
    assert actor.scope.since(world.homes["a111/1"]) == early
    assert actor.scope.since(world.homes["b111/1"]) == late


async def test_an_event_is_seen_from_the_instant_of_moving_in_on(
    api: Api, world: World, clocked: Database, clock: Clock, superuser: asyncpg.Connection
) -> None:
    moved = clock.instant - timedelta(hours=2)
    at = (moved - timedelta(days=1), moved - INSTANT, moved, moved + INSTANT)
    for number, (home, instant) in enumerate((home, instant) for home in HOMES for instant in at):
        # Late ones arrive when somebody else lives there: what counts is when it happened.
        place = (world.areas[home[:4]], number, world.homes[home])
        await superuser.execute(EVENT, *place, instant, clock.instant)
    person = await world.living_in("a111/1", since=moved)
    await world.living_in("b111/1", HomeRole.TENANT, person=person, since=moved + INSTANT)
    actor = await actor_of(api, person)
    assert await ids(clocked, actor, Event, visible_to(actor, Event)) == {2, 3, 11}
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111", person)  # an office sees all of its place
    actor = await actor_of(api, staff)
    assert await ids(clocked, actor, Event, visible_to(actor, Event)) == {*range(8), 11}


@pytest.mark.parametrize("role", list(HomeRole))
@pytest.mark.parametrize("trust", list(Trust))
async def test_an_alert_that_goes_on_is_for_who_lives_there_now(
    api: Api, world: World, clocked: Database, clock: Clock, superuser: asyncpg.Connection, role: HomeRole, trust: Trust
) -> None:
    moved, before = clock.instant, clock.instant - timedelta(days=3)
    lives = [(before, None), (before, moved - INSTANT), (before, moved), (before, moved + INSTANT), (moved, None)]
    for number, (home, (raised, cleared)) in enumerate((home, life) for home in HOMES for life in lives):
        place = (world.areas[home[:4]], f"x:{number}", world.homes[home])
        await superuser.execute(ALERT, *place, raised, cleared)
    person = await world.living_in("a111/1", role, trust, since=moved)
    await world.living_in("a111/2", role, trust, person, since=before)
    actor = await actor_of(api, person)
    sight = sight_of(actor)
    everything = await superuser.fetch("select *, cleared_at as over_at from alert order by id")
    by_sql = await ids(clocked, actor, Alert, visible(sight))
    by_python = {row["id"] for row in everything if shows(sight, SimpleNamespace(**row))}
    seen = {int(row["source"][2:]) for row in everything if row["id"] in by_sql}
    assert by_sql == by_python
    assert seen == {0, 2, 3, 4, *range(5, 10)}


async def test_who_comes_back_starts_anew(api: Api, world: World, clocked: Database, clock: Clock) -> None:
    home, first = world.homes["a111/1"], clock.instant - timedelta(days=9)
    person = await world.living_in("a111/1", since=first)
    async with clocked.unit_of_work(world.everywhere) as uow:
        await end_household(uow, household_id=await world.household_id(person))
    assert (await actor_of(api, person)).scope.homes == ()
    clock.advance(minutes=1)
    await world.living_in("a111/1", person=person, since=clock.instant)
    scope = (await actor_of(api, person)).scope
    assert scope.since(home) == clock.instant
    assert not at_home(scope, home, first)


async def test_who_lived_there_before_is_not_told_to_who_comes_after(
    api: Api, world: World, clocked: Database, clock: Clock
) -> None:
    former = await world.living_in("a111/1")
    household = await world.household_id(former)
    async with clocked.unit_of_work(world.everywhere) as uow:
        await end_household(uow, household_id=household)
    person = await world.living_in("a111/1", since=clock.instant + INSTANT)
    together = await world.living_in("a111/1", since=clock.instant)
    for who, seen in ((person, False), (together, True)):
        actor = await actor_of(api, who)
        async with clocked.reader(actor.scope) as reader:
            found = await reader.rows(select(Household.id).where(visible_to(actor, Household)))
        assert (household in {row.id for row in found}) is seen
