"""areas: the tree as each role sees it."""

from __future__ import annotations

import pytest

from api.nodes import global_id
from domain.kernel.actor import Role
from tests.factories.api import Api
from tests.factories.world import World

AREAS = """query($level: AreaLevel, $parent: ID, $first: Int, $after: String) {
  areas(level: $level, parent: $parent, first: $first, after: $after) {
    edges { cursor node { id name level kind parent { name } } } pageInfo { hasNextPage endCursor } } }"""


def names(answer: object) -> list[str]:
    return [edge["node"]["name"] for edge in answer.data["areas"]["edges"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("role", "area", "expected"),
    [
        (Role.COUNTY_OPERATOR, "a", ["a", "a1", "a11", "a111", "a112", "a2", "a21", "a211"]),
        (Role.TOWN_OPERATOR, "a2", ["a2", "a21", "a211"]),
        (Role.COMMUNITY_POLICE, "a11", ["a11", "a111", "a112"]),
        (Role.PROPERTY_MANAGER, "a112", ["a112"]),
        (Role.PROPERTY_STAFF, "b111", ["b111"]),
        (Role.SERVICE_WORKER, "a111", ["a111"]),
    ],
)
async def test_each_role_sees_its_own_part_of_the_tree(
    api: Api, world: World, role: Role, area: str, expected: list[str]
) -> None:
    answer = await api.ask(AREAS, await world.with_role(role, area))
    assert names(answer) == expected


async def test_a_resident_sees_the_compound_they_live_in(api: Api, world: World) -> None:
    answer = await api.ask(AREAS, await world.living_in("a111/1"))
    assert names(answer) == ["a111"]
    assert answer.data["areas"]["edges"][0]["node"]["parent"] is None


async def test_somebody_without_home_or_role_sees_nothing(api: Api, world: World) -> None:
    assert names(await api.ask(AREAS, await world.person())) == []


async def test_nobody_is_asked_to_sign_in(api: Api) -> None:
    answer = await api.ask(AREAS)
    assert answer.codes == ["UNAUTHENTICATED"]
    assert answer.data is None


async def test_pages_follow_each_other_without_gap_or_repeat(api: Api, world: World) -> None:
    operator = await world.with_role(Role.COUNTY_OPERATOR, "a")
    seen, after, more = [], None, True
    while more:
        answer = await api.ask(AREAS, operator, first=3, after=after)
        seen += names(answer)
        more, after = answer.data["areas"]["pageInfo"]["hasNextPage"], answer.data["areas"]["pageInfo"]["endCursor"]
    assert seen == ["a", "a1", "a11", "a111", "a112", "a2", "a21", "a211"]


async def test_level_and_parent_narrow_the_list(api: Api, world: World) -> None:
    operator = await world.with_role(Role.COUNTY_OPERATOR, "a")
    towns = await api.ask(AREAS, operator, level="TOWN")
    assert names(towns) == ["a1", "a2"]
    below = await api.ask(AREAS, operator, parent=towns.data["areas"]["edges"][0]["node"]["id"])
    assert names(below) == ["a11"]


async def test_what_is_above_out_of_sight_is_not_told_by_what_is_below_it(api: Api, world: World) -> None:
    operator = await world.with_role(Role.TOWN_OPERATOR, "a1")
    for above in (world.areas["a"], world.areas["b"], 99999):
        assert names(await api.ask(AREAS, operator, parent=global_id("Area", above))) == []


@pytest.mark.parametrize("variables", [{"first": 0}, {"first": 101}, {"first": -1}])
async def test_a_page_has_one_to_a_hundred_items(api: Api, world: World, variables: dict[str, int]) -> None:
    answer = await api.ask(AREAS, await world.person(), **variables)
    assert answer.codes == ["BAD_PAGE_SIZE"]
    assert answer.errors[0]["extensions"]["field"] == "first"


async def test_a_foreign_cursor_is_refused(api: Api, world: World) -> None:
    assert (await api.ask(AREAS, await world.person(), after="bm9wZQ")).codes == ["BAD_CURSOR"]
