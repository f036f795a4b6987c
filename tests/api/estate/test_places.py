"""Areas downward and homes upward: children, buildings, homes, and what each may not show."""

from __future__ import annotations

from api.nodes import global_id
from domain.kernel.actor import Role
from tests.factories.api import Api
from tests.factories.world import World

DOWN = """query($id: ID!, $first: Int, $after: String) { node(id: $id) { ... on Area {
  name kind children(first: $first, after: $after) { edges { node { name } } pageInfo { hasNextPage endCursor } }
  buildings { edges { node { name homes { edges { node { unit door } } } } } } } } }"""
UP = """query($id: ID!) { node(id: $id) { ... on Home {
  door building { name compound { name parent { name } } } compound { name } } } }"""


async def test_from_a_community_down_by_pages(api: Api, world: World) -> None:
    police = await world.with_role(Role.COMMUNITY_POLICE, "a11")
    community = global_id("Area", world.areas["a11"])
    first = (await api.ask(DOWN, police, id=community, first=1)).data["node"]["children"]
    assert [edge["node"]["name"] for edge in first["edges"]] == ["a111"]
    assert first["pageInfo"]["hasNextPage"]
    rest = (await api.ask(DOWN, police, id=community, after=first["pageInfo"]["endCursor"])).data["node"]["children"]
    assert [edge["node"]["name"] for edge in rest["edges"]] == ["a112"]
    assert not rest["pageInfo"]["hasNextPage"]


async def test_staff_see_all_homes_of_their_compound_and_a_resident_their_own(api: Api, world: World) -> None:
    compound = global_id("Area", world.areas["a111"])

    async def doors(by: object) -> list[str]:
        (building,) = (await api.ask(DOWN, by, id=compound)).data["node"]["buildings"]["edges"]  # type: ignore[arg-type]
        return [edge["node"]["door"] for edge in building["node"]["homes"]["edges"]]

    assert await doors(await world.with_role(Role.PROPERTY_STAFF, "a111")) == ["1", "2"]
    assert await doors(await world.living_in("a111/2")) == ["2"]


async def test_from_a_home_up_as_far_as_the_caller_sees(api: Api, world: World) -> None:
    home = global_id("Home", world.homes["a111/1"])
    police = await world.with_role(Role.COMMUNITY_POLICE, "a11")
    building = {"name": "a111 1栋", "compound": {"name": "a111", "parent": {"name": "a11"}}}
    assert (await api.ask(UP, police, id=home)).data["node"] == {
        "door": "1",
        "building": building,
        "compound": {"name": "a111"},
    }
    resident = await api.ask(UP, await world.living_in("a111/1"), id=home)
    assert resident.data["node"]["building"]["compound"] == {"name": "a111", "parent": None}


async def test_parents_of_a_page_are_read_in_one_statement(api: Api, world: World) -> None:
    operator = await world.with_role(Role.COUNTY_OPERATOR, "a")
    token = await api.token(operator)
    statements: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    from sqlalchemy import event

    engine = api.services.database.engine.sync_engine
    await api.authenticator.authenticate(f"Bearer {token}")
    event.listen(engine, "before_cursor_execute", note)
    try:
        answer = await api.ask("{ areas { edges { node { name parent { name } } } } }", token)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(answer.data["areas"]["edges"]) == 8
    assert len(statements) == 2
