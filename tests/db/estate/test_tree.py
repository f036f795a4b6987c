"""The tree grows one level at a time, and only in sight."""

from __future__ import annotations

import asyncpg
import pytest

from domain.estate import service
from domain.estate.models import CompoundKind
from domain.estate.queries import CompoundPlace, compound_place
from domain.estate.visibility import in_scope, scope_as
from domain.identity.models import Account
from domain.kernel.actor import ANONYMOUS, NOTHING, Actor, ActorKind, Grant, Level, Role, Scope, system_actor
from domain.kernel.errors import Invalid, NotFound
from tests.factories.world import World


async def test_a_compound_carries_its_ancestors(world: World, superuser: asyncpg.Connection) -> None:
    a, a1, a11, a111 = (world.areas[name] for name in ("a", "a1", "a11", "a111"))
    row = await superuser.fetchrow("select *, path::text as way from area where id = $1", a111)
    assert (row["county_id"], row["town_id"], row["community_id"], row["compound_id"]) == (a, a1, a11, a111)
    assert row["way"] == f"{a}.{a1}.{a11}.{a111}"
    assert (row["level"], row["kind"], row["timezone"]) == ("compound", "closed", "Asia/Shanghai")
    home = await superuser.fetchrow("select * from home where id = $1", world.homes["a111/1"])
    assert (home["county_id"], home["town_id"], home["community_id"], home["compound_id"]) == (a, a1, a11, a111)


async def test_the_place_of_a_compound_is_known_to_readers_and_units_of_work(world: World) -> None:
    a, a1, a11, a111 = (world.areas[name] for name in ("a", "a1", "a11", "a111"))
    expected = CompoundPlace(a, a1, a11, a111, "Asia/Shanghai")
    async with world.database.reader(Scope(compounds=(a111,))) as reader:
        assert await compound_place(reader, a111) == expected
        assert await compound_place(reader, world.areas["a112"]) is None
        assert await compound_place(reader, a11) is None
    async with world.database.unit_of_work(world.everywhere) as uow:
        assert await compound_place(uow, a111) == expected
    assert expected.ids() == {"county_id": a, "town_id": a1, "community_id": a11, "compound_id": a111}


@pytest.mark.parametrize(
    ("parent", "kind", "error"),
    [
        ("a111", None, Invalid),  # nothing is below a compound
        ("a11", None, Invalid),  # a compound has a kind
        ("a1", CompoundKind.OPEN, Invalid),  # a community has none
        ("b11", CompoundKind.OPEN, NotFound),  # out of sight
    ],
)
async def test_an_area_stands_where_its_level_may(
    world: World, parent: str, kind: CompoundKind | None, error: type[Exception]
) -> None:
    actor = system_actor(Scope(counties=(world.areas["a"],)))
    with pytest.raises(error):
        async with world.database.unit_of_work(actor) as uow:
            await service.add_area(uow, parent_id=world.areas[parent], name="x", kind=kind)


async def test_buildings_and_homes_need_a_place_in_sight(world: World) -> None:
    actor = system_actor(Scope(compounds=(world.areas["a111"],)))
    async with world.database.unit_of_work(actor) as uow:
        building = await service.add_building(uow, compound_id=world.areas["a111"], name="2栋")
        assert await service.add_home(uow, building_id=building, unit="1", door="101")
        with pytest.raises(NotFound):
            await service.add_building(uow, compound_id=world.areas["a112"], name="2栋")
        with pytest.raises(NotFound):
            await service.add_home(uow, building_id=world.buildings["a112"], unit="1", door="101")


def test_a_scope_narrowed_to_roles_keeps_only_what_stands_on_them() -> None:
    town, office = Grant(Role.TOWN_OPERATOR, 2, Level.TOWN), Grant(Role.PROPERTY_STAFF, 4, Level.COMPOUND)
    actor = Actor(ActorKind.ACCOUNT, account_id=1, grants=(town, office))
    assert scope_as(actor, {Role.PROPERTY_STAFF}) == Scope(compounds=(4,), account=1)
    assert scope_as(actor, {Role.TOWN_OPERATOR}) == Scope(towns=(2,), account=1)
    assert scope_as(ANONYMOUS, {Role.TOWN_OPERATOR}) == NOTHING


@pytest.mark.parametrize("scope", [NOTHING, Scope(account=1), Scope(counties=(1,), homes=(2,))])
def test_a_table_without_area_columns_is_seen_by_no_scope(scope: Scope) -> None:
    assert str(in_scope(scope, Account)) == "false"
