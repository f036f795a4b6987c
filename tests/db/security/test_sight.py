"""Who sees an alert: the SQL of lists and the Python of feeds say the same, and row-level security allows it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import pytest
from sqlalchemy import select

from domain.kernel.actor import Actor, HomeRole, Role, Trust
from domain.kernel.uow import Database
from domain.security.alerts.models import Alert
from domain.security.alerts.policies import shows, sight_of, visible
from tests.factories.api import Api
from tests.factories.cast import Cast, cast_of
from tests.factories.world import Person, World

AUDIENCES = [list(c) for n in range(4) for c in itertools.combinations(("home", "staff", "police"), n)]

INSERT = """
insert into alert (county_id, town_id, community_id, compound_id, source, kind, severity, home_id, audience,
                   explanation, raised_at, updated_at)
select county_id, town_id, community_id, compound_id, $2, 'smoke', 3, $3, $4::jsonb, '{}', now(), now()
from area where id = $1
"""


@dataclass(frozen=True)
class Item:
    """An alert as a feed has it."""

    county_id: int
    town_id: int
    community_id: int
    compound_id: int
    home_id: int | None
    audience: list[str]
    cleared_at: datetime | None

    @property
    def over_at(self) -> datetime | None:
        """When it was over."""
        return self.cleared_at


async def fill(world: World, superuser: asyncpg.Connection) -> None:
    """An alert of every audience in every compound, for each home and for none."""
    number = itertools.count()
    for compound in ("a111", "a112", "a211", "b111"):
        for home in (None, f"{compound}/1", f"{compound}/2"):
            for audience in AUDIENCES:
                text = str(audience).replace("'", '"')
                home_id = world.homes[home] if home else None
                await superuser.execute(INSERT, world.areas[compound], f"x:{next(number)}", home_id, text)


async def actor_of(api: Api, person: Person) -> Actor:
    identity = await api.authenticator.identify(f"Bearer {await api.token(person)}")
    return identity.actor


async def many_sided(world: World, who: str) -> Person:
    """People who are several things at once."""
    if who == "staff_and_neighbour":
        return await world.with_role(Role.PROPERTY_STAFF, "a111", await world.living_in("a112/1"))
    if who == "town_and_staff_elsewhere":
        return await world.with_role(Role.TOWN_OPERATOR, "a1", await world.with_role(Role.PROPERTY_STAFF, "a211"))
    return await world.living_in("b111/2", HomeRole.TENANT, Trust.PHONE, await world.living_in("a111/1"))


SEVERAL = ["staff_and_neighbour", "town_and_staff_elsewhere", "two_homes"]


@pytest.mark.parametrize("who", [*Cast, *SEVERAL])
async def test_lists_and_feeds_agree_on_who_sees_an_alert(
    api: Api, world: World, clocked: Database, superuser: asyncpg.Connection, who: str
) -> None:
    await fill(world, superuser)
    person = await (many_sided(world, who) if who in SEVERAL else cast_of(world, who))
    actor = await actor_of(api, person)
    sight = sight_of(actor)
    columns = [getattr(Alert, name) for name in ("id", *Item.__dataclass_fields__)]
    async with clocked.reader(world.everywhere.scope) as reader:
        everything = await reader.rows(select(*columns))
        by_sql = {row.id for row in await reader.rows(select(Alert.id).where(visible(sight)))}
    async with clocked.reader(actor.scope) as reader:
        by_sql_and_rls = {row.id for row in await reader.rows(select(Alert.id).where(visible(sight)))}
    by_python = {row.id for row in everything if shows(sight, Item(*row[1:]))}
    assert len(everything) == 4 * 3 * len(AUDIENCES)
    assert by_python == by_sql == by_sql_and_rls
    assert (len(by_sql) > 0) == (who != Cast.GUEST)
