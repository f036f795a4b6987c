"""``auditLog``: what those who answer for a place are shown of it, and that their reading is on record."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import pytest

from api.nodes import global_id
from domain.identity.audit.policies import OPERATORS, answers_for
from domain.kernel.actor import ANONYMOUS, NOTHING
from domain.security.devices.models import DeviceKind
from tests.api.audit.test_looks import SIGHTINGS, looks, served
from tests.factories.api import Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.plant import Plant
from tests.factories.world import World

LOG = """query($area: ID, $account: ID, $action: String, $from: DateTime, $to: DateTime, $first: Int, $after: String) {
  auditLog(area: $area, account: $account, action: $action, from: $from, to: $to, first: $first, after: $after) {
    edges { node { id at action told roles account { id name } area { name } homes { id } objectType object details } }
    pageInfo { hasNextPage endCursor } } }"""
PLATE = "浙FD12345"


async def entries(api: Api, who: Any, **variables: Any) -> list[dict[str, Any]]:
    answer = await api.ask(LOG, who, **variables)
    assert answer.errors == []
    return [edge["node"] for edge in answer.data["auditLog"]["edges"]]


async def test_a_manager_reads_who_did_what_in_their_compound(
    api: Api, world: World, clock: Clock, superuser: asyncpg.Connection
) -> None:
    manager = await cast_of(world, Cast.MANAGER)
    resident = await cast_of(world, Cast.RESIDENT)
    await cast_of(world, Cast.SIBLING_STAFF)
    clock.advance(seconds=1)
    query = "mutation($g: GrantRoleInput!) { grantRole(input: $g) { id } }"
    given = {"phone": resident.phone, "role": "PROPERTY_STAFF", "area": global_id("Area", world.areas["a111"])}
    granted = (await api.ask(query, manager, g=given)).data["grantRole"]["id"]

    newest, *others = await entries(api, manager)

    assert newest == {
        "id": newest["id"],
        "at": clock().isoformat().replace("+00:00", "Z"),
        "action": "role.granted",
        "told": "Granted a role",
        "roles": ["property_manager"],
        "account": {"id": global_id("Account", manager.id), "name": "property_manager a111"},
        "area": {"name": "a111"},
        "homes": [],
        "objectType": "RoleGrant",
        "object": granted,
        "details": {"account": resident.id, "role": "property_staff", "area": world.areas["a111"]},
    }
    assert {entry["action"] for entry in others} == {"role.granted", "household.added"}
    assert {entry["area"]["name"] for entry in others} == {"a111"}
    (added,) = [entry for entry in others if entry["action"] == "household.added"]
    assert added["homes"] == [{"id": global_id("Home", world.homes["a111/1"])}]
    (look,) = await looks(superuser)
    assert (look["action"], look["chain"], look["account_id"]) == ("audit.read", world.areas["a111"], manager.id)
    assert look["details"] == {"shown": 3}
    # Reading it is on record, and that too is read.
    assert [entry["action"] for entry in await entries(api, manager, action="audit.read")] == ["audit.read"]


async def test_it_is_narrowed_by_area_account_action_and_time_and_read_in_pages(
    api: Api, world: World, clock: Clock
) -> None:
    county = await cast_of(world, Cast.COUNTY)
    manager = await cast_of(world, Cast.MANAGER)
    await cast_of(world, Cast.SIBLING_STAFF)
    until = clock().isoformat()
    clock.advance(hours=1)
    await api.ask("{ viewer { account { name } } }", manager)
    await entries(api, manager)
    area = global_id("Area", world.areas["a112"])
    assert [entry["area"]["name"] for entry in await entries(api, county, area=area)] == ["a112"]
    by_manager = await entries(api, county, account=global_id("Account", manager.id))
    assert [entry["action"] for entry in by_manager] == ["audit.read"]
    assert {entry["action"] for entry in await entries(api, county, to=until)} == set()
    assert {entry["action"] for entry in await entries(api, county, **{"from": until, "to": clock().isoformat()})} == {
        "role.granted"
    }
    found: list[str] = []
    after = None
    for _ in range(9):
        page = (await api.ask(LOG, county, first=2, after=after, action="role.granted")).data["auditLog"]
        found += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(found) == len(set(found)) == len(await entries(api, county, action="role.granted")) == 3
    assert (await api.ask(LOG, county, after="nonsense")).codes == ["BAD_CURSOR"]


async def test_the_office_is_not_told_whom_the_police_look_for_and_operators_are(
    api: Api, world: World, plant: Plant, superuser: asyncpg.Connection
) -> None:
    await plant.says(await plant.device("a111", DeviceKind.BARRIER_CAMERA), plant.plate(PLATE))
    police, area = await cast_of(world, Cast.POLICE), global_id("Area", world.areas["a111"])
    await served(api, police, SIGHTINGS, v=PLATE, a=area)
    manager, county = await cast_of(world, Cast.MANAGER), await cast_of(world, Cast.COUNTY)
    assert "community_police" not in str([entry["roles"] for entry in await entries(api, manager)])
    searched = [entry for entry in await entries(api, county) if entry["action"] == "sighting.searched"]
    assert [entry["details"] for entry in searched] == [{"kind": "plate", "shown": 1}]
    assert searched[0]["account"]["id"] == global_id("Account", police.id)
    stored = await superuser.fetchval("select details from audit_entry where action = 'sighting.searched'")
    assert "subject" in json.loads(stored)  # by which look-ups of one person are found, outside the product


@pytest.mark.parametrize("who", [Cast.STAFF, Cast.POLICE, Cast.RESIDENT, Cast.GUEST])
async def test_others_find_no_such_log(api: Api, world: World, who: Cast) -> None:
    assert (await api.ask(LOG, await cast_of(world, who))).codes == ["NOT_FOUND"]


async def test_what_is_out_of_sight_narrows_nothing(api: Api, world: World) -> None:
    manager, stranger = await cast_of(world, Cast.MANAGER), await cast_of(world, Cast.OTHER_COUNTY)
    for given in ({"area": global_id("Area", world.areas["b111"])}, {"account": global_id("Account", stranger.id)}):
        assert (await api.ask(LOG, manager, **given)).codes == ["NOT_FOUND"]


async def test_without_a_record_of_the_reading_nothing_is_shown(
    api: Api, world: World, superuser: asyncpg.Connection
) -> None:
    manager = await cast_of(world, Cast.MANAGER)
    await api.token(manager)
    await superuser.execute("revoke execute on function zhian_audit_append(int[], text[]) from zhian_app")
    answer = await served(api, manager, LOG)
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, "NOT_RECORDED")


def test_nobody_answers_for_what_they_hold_no_role_over() -> None:
    assert answers_for(ANONYMOUS, OPERATORS) == NOTHING
