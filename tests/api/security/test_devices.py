"""devices, registerDevice, rotateDeviceCredential, retireDevice: by everybody the matrix has."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.nodes import global_id
from domain.kernel.actor import Role
from domain.kernel.uow import News
from domain.security.devices.directory import DeviceDirectory
from domain.security.devices.models import DeviceKind, Vendor
from tests.factories.api import Answer, Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.plant import Plant
from tests.factories.statements import Statements
from tests.factories.world import World

DEVICES = """query($area: ID, $kind: DeviceKind, $vendor: Vendor, $first: Int, $after: String) {
  devices(area: $area, kind: $kind, vendor: $vendor, first: $first, after: $after) {
    edges { node { id name kind vendor liveness { heardAt driftMs lostRecords } home { door } } }
    pageInfo { hasNextPage endCursor } } }"""
REGISTER = """mutation($input: RegisterDeviceInput!) { registerDevice(input: $input) {
  device { id name kind direction gateway { name } home { door } compound { name } }
  secret { username credential pushUrl secretPushUrl mqttTopic weakWays warnings } } }"""
ROTATE = """mutation($id: ID!, $grace: Int!) { rotateDeviceCredential(id: $id, graceMinutes: $grace) {
  secret { credential } } }"""
RETIRE = "mutation($id: ID!) { retireDevice(id: $id) { retiredAt } }"
NODE = "query($id: ID!) { node(id: $id) { ... on Device { name retiredAt } } }"


def names(answer: Answer) -> list[str]:
    return [edge["node"]["name"] for edge in answer.data["devices"]["edges"]]


def asked(world: World, compound: str = "a111", **fields: Any) -> dict[str, Any]:
    """An input of registerDevice."""
    area = global_id("Area", world.areas[compound])
    return {"compound": area, "kind": "GATE", "vendor": "HIKVISION", "name": "东门", **fields}


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Cast.RESIDENT, ["h1"]),
        (Cast.NEIGHBOUR, ["h2"]),
        (Cast.STAFF, ["h1", "h2", "stairs"]),
        (Cast.SIBLING_STAFF, ["a112"]),
        (Cast.POLICE, ["h1", "h2", "stairs", "a112"]),
        (Cast.TOWN, ["h1", "h2", "stairs", "a112"]),
        (Cast.COUNTY, ["h1", "h2", "stairs", "a112", "a211"]),
        (Cast.OTHER_COUNTY, ["b111"]),
    ],
)
async def test_each_sees_the_devices_of_their_place(
    api: Api, world: World, plant: Plant, who: Cast, expected: list[str]
) -> None:
    await plant.device("a111", home="a111/1", name="h1")
    await plant.device("a111", home="a111/2", name="h2")
    await plant.device("a111", name="stairs")
    for compound in ("a112", "a211", "b111"):
        await plant.device(compound, name=compound)
    assert names(await api.ask(DEVICES, await cast_of(world, who))) == expected


async def test_filters_and_pages(api: Api, world: World, plant: Plant) -> None:
    county = await cast_of(world, "county")
    for number in range(3):
        await plant.device("a111", name=f"smoke {number}")
    await plant.device("a112", DeviceKind.GATE, name="gate", vendor=Vendor.HIKVISION)
    first = await api.ask(DEVICES, county, first=2)
    assert names(first) == ["smoke 0", "smoke 1"]
    rest = await api.ask(DEVICES, county, after=first.data["devices"]["pageInfo"]["endCursor"])
    assert names(rest) == ["smoke 2", "gate"]
    assert rest.data["devices"]["pageInfo"]["hasNextPage"] is False
    assert names(await api.ask(DEVICES, county, kind="GATE")) == ["gate"]
    assert names(await api.ask(DEVICES, county, vendor="HIKVISION")) == ["gate"]
    assert names(await api.ask(DEVICES, county, area=global_id("Area", world.areas["a112"]))) == ["gate"]
    assert (await api.ask(DEVICES, county, area=global_id("Area", world.areas["b1"]))).codes == ["NOT_FOUND"]


MAY_REGISTER = {Cast.MANAGER, Cast.POLICE, Cast.TOWN, Cast.COUNTY}


@pytest.mark.parametrize("who", Cast)
async def test_who_may_register_rotate_and_retire(api: Api, world: World, plant: Plant, who: Cast) -> None:
    device = await plant.device("a111", home="a111/1")
    person, id_ = await cast_of(world, who), global_id("Device", device.id)
    answers = [
        await api.ask(REGISTER, person, input=asked(world)),
        await api.ask(ROTATE, person, id=id_, grace=0),
        await api.ask(RETIRE, person, id=id_),
    ]
    if who in MAY_REGISTER:
        assert [answer.codes for answer in answers] == [[], [], []]
    else:
        assert [answer.codes for answer in answers] == [["NOT_FOUND"]] * 3
        seen = await api.ask(NODE, await cast_of(world, "county"), id=id_)
        assert seen.data["node"]["retiredAt"] is None


async def test_a_managers_devices_stand_in_their_own_compound(api: Api, world: World) -> None:
    manager = await cast_of(world, "manager")
    assert (await api.ask(REGISTER, manager, input=asked(world, "a112"))).codes == ["NOT_FOUND"]


async def test_a_role_elsewhere_lets_nobody_keep_what_they_only_see(api: Api, world: World, plant: Plant) -> None:
    manager_next_door = await world.with_role(Role.PROPERTY_MANAGER, "a112", await cast_of(world, "staff"))
    device = global_id("Device", (await plant.device("a111")).id)
    assert (await api.ask(REGISTER, manager_next_door, input=asked(world))).codes == ["FORBIDDEN"]
    assert (await api.ask(ROTATE, manager_next_door, id=device, grace=0)).codes == ["FORBIDDEN"]
    assert (await api.ask(RETIRE, manager_next_door, id=device)).codes == ["FORBIDDEN"]


async def test_a_registered_device_can_sign_in_at_once(
    api: Api, world: World, engine: AsyncEngine, news: list[News]
) -> None:
    news.clear()
    answer = (await api.ask(REGISTER, await cast_of(world, "manager"), input=asked(world, direction="IN"))).data
    made, secret = answer["registerDevice"]["device"], answer["registerDevice"]["secret"]
    assert (made["name"], made["kind"], made["direction"], made["compound"]) == ("东门", "GATE", "IN", {"name": "a111"})
    found = await DeviceDirectory(engine).by_bearer(secret["credential"])
    assert found is not None
    assert made["id"] == global_id("Device", found.id)
    assert secret["username"] == str(found.id)
    assert secret["pushUrl"] == "https://zhian.test/devices/hikvision"
    assert secret["mqttTopic"] == f"c/{found.compound_id}/d/{found.id}/hikvision/"
    assert (secret["secretPushUrl"], secret["weakWays"], secret["warnings"]) == (None, [], [])
    assert any("access" in said.topics for said in news)  # directories ask again


async def test_our_own_contract_has_its_own_addresses(api: Api, world: World) -> None:
    answer = await api.ask(REGISTER, await cast_of(world, "manager"), input=asked(world, vendor="ZHIAN"))
    secret = answer.data["registerDevice"]["secret"]
    assert secret["pushUrl"] == "https://zhian.test/devices/events"
    assert secret["mqttTopic"] == f"c/{world.areas['a111']}/d/{secret['username']}/"


async def test_a_device_behind_a_gateway_has_no_secret_and_a_name_of_its_own(
    api: Api, world: World, plant: Plant
) -> None:
    hub = await plant.device("a111", DeviceKind.GATEWAY, name="hub")
    manager = await cast_of(world, "manager")
    home = global_id("Home", world.homes["a111/1"])
    behind = asked(world, kind="SMOKE", gateway=global_id("Device", hub.id), externalId="0x1", home=home)
    made = (await api.ask(REGISTER, manager, input=behind)).data["registerDevice"]
    assert (made["secret"], made["device"]["gateway"], made["device"]["home"]) == (None, {"name": "hub"}, {"door": "1"})
    again = await api.ask(REGISTER, manager, input=behind)
    assert (again.codes, again.errors[0]["extensions"]["field"]) == (["EXTERNAL_ID_IN_USE"], "externalId")
    assert (await api.ask(ROTATE, manager, id=made["device"]["id"], grace=0)).codes == ["NO_CREDENTIAL"]
    await api.ask(RETIRE, manager, id=made["device"]["id"])
    assert (await api.ask(REGISTER, manager, input=behind)).errors == []  # the name is free again


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"name": " "}, "INVALID_TEXT", "name"),
        ({"name": "x" * 61}, "INVALID_TEXT", "name"),
        ({"place": "a\x00"}, "INVALID_TEXT", "place"),
        ({"heartbeatSeconds": 4}, "INVALID_HEARTBEAT", "heartbeatSeconds"),
        ({"heartbeatSeconds": 86_401}, "INVALID_HEARTBEAT", "heartbeatSeconds"),
        ({"externalId": "0x1"}, "INVALID_GATEWAY", "gateway"),
        ({"home": "a112/1"}, "NOT_IN_COMPOUND", "home"),
        ({"building": "a112"}, "NOT_IN_COMPOUND", "building"),
        ({"gateway": "other", "externalId": "x"}, "NOT_IN_COMPOUND", "gateway"),
        ({"compound": "town"}, "NOT_FOUND", "compound"),
    ],
)
async def test_what_a_device_cannot_be(
    api: Api, world: World, plant: Plant, fields: dict[str, Any], code: str, field: str
) -> None:
    given = dict(fields)
    if "home" in given:
        given["home"] = global_id("Home", world.homes[given["home"]])
    if "building" in given:
        given["building"] = global_id("Building", world.buildings[given["building"]])
    if "gateway" in given:
        given["gateway"] = global_id("Device", (await plant.device("a112", DeviceKind.GATEWAY)).id)
    if "compound" in given:
        given["compound"] = global_id("Area", world.areas["a1"])
    answer = await api.ask(REGISTER, await cast_of(world, "county"), input=asked(world) | given)
    assert (answer.codes, answer.errors[0]["extensions"]["field"]) == ([code], field)


async def test_an_old_credential_works_through_its_grace(
    api: Api, world: World, engine: AsyncEngine, clock: Clock
) -> None:
    manager = await cast_of(world, "manager")
    made = (await api.ask(REGISTER, manager, input=asked(world))).data["registerDevice"]
    id_, old = made["device"]["id"], made["secret"]["credential"]

    async def works(credential: str) -> bool:
        return await DeviceDirectory(engine).by_bearer(credential) is not None

    new = (await api.ask(ROTATE, manager, id=id_, grace=30)).data["rotateDeviceCredential"]["secret"]["credential"]
    assert [await works(old), await works(new)] == [True, True]
    newest = (await api.ask(ROTATE, manager, id=id_, grace=0)).data["rotateDeviceCredential"]["secret"]["credential"]
    clock.advance(seconds=1)
    assert [await works(old), await works(new), await works(newest)] == [False, False, True]
    assert (await api.ask(ROTATE, manager, id=id_, grace=-1)).codes == ["INVALID_GRACE"]
    assert (await api.ask(ROTATE, manager, id=id_, grace=10_081)).codes == ["INVALID_GRACE"]


async def test_a_retired_device_is_gone_from_lists_and_speaks_no_more(
    api: Api, world: World, engine: AsyncEngine
) -> None:
    manager = await cast_of(world, "manager")
    made = (await api.ask(REGISTER, manager, input=asked(world))).data["registerDevice"]
    assert (await api.ask(RETIRE, manager, id=made["device"]["id"])).data["retireDevice"]["retiredAt"] is not None
    assert names(await api.ask(DEVICES, manager)) == []
    assert await DeviceDirectory(engine).by_bearer(made["secret"]["credential"]) is None
    assert (await api.ask(NODE, manager, id=made["device"]["id"])).data["node"]["name"] == "东门"
    assert (await api.ask(RETIRE, manager, id=made["device"]["id"])).codes == ["DEVICE_RETIRED"]
    assert (await api.ask(ROTATE, manager, id=made["device"]["id"], grace=0)).codes == ["DEVICE_RETIRED"]


async def test_a_page_of_devices_takes_the_same_statements_whatever_its_length(
    api: Api, world: World, plant: Plant, statements: Statements
) -> None:
    staff, counts = await cast_of(world, "staff"), []
    await api.token(staff)
    for _ in range(2):
        for _ in range(3):
            device = await plant.device("a111", home="a111/1")
            await plant.says(device, plant.smoke())
        with statements.counted() as seen:
            answer = await api.ask(DEVICES, staff)
        assert all(edge["node"]["liveness"]["driftMs"] == 0 for edge in answer.data["devices"]["edges"])
        counts.append(len(seen))
    assert counts == [3, 3]
