"""eBikes, registerEBike, addEBikeTag, removeEBikeTag, armEBike, disarmEBike: by everybody the matrix has."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.nodes import global_id
from domain.kernel.actor import HomeRole, Trust
from domain.security.devices.models import DeviceKind
from tests.factories.api import Answer, Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.plant import Plant
from tests.factories.statements import Statements
from tests.factories.world import World

EBIKES = """query($area: ID, $guarded: Boolean, $first: Int, $after: String) {
  eBikes(area: $area, guarded: $guarded, first: $first, after: $after) {
    edges { node { id plate guarded tags { id tag place } home { door } owner { name } compound { name } } }
    pageInfo { hasNextPage endCursor } } }"""
REGISTER = """mutation($input: RegisterEBikeInput!) { registerEBike(input: $input) {
  id plate make color guarded owner { name } tags { tag place } } }"""
ADD = """mutation($bike: ID!, $tag: String!) {
  addEBikeTag(eBike: $bike, tag: $tag, place: BATTERY) { tags { tag place } } }"""
REMOVE = "mutation($id: ID!) { removeEBikeTag(id: $id) { tags { tag } } }"
ARM = "mutation($id: ID!) { armEBike(id: $id) { guarded guardedSince } }"
DISARM = "mutation($id: ID!) { disarmEBike(id: $id) { guarded guardedSince } }"
NODE = "query($id: ID!) { node(id: $id) { ... on EBike { plate } ... on EBikeTag { tag eBike { plate } } } }"
TAG = "E2801160600002049A00B1C2"


def plates(answer: Answer) -> list[str]:
    return [edge["node"]["plate"] for edge in answer.data["eBikes"]["edges"]]


def bike_id(ebike: int) -> str:
    return global_id("EBike", ebike)


async def four(world: World, plant: Plant) -> list[int]:
    """An e-bike in each of four homes."""
    homes = ("a111/1", "a111/2", "a112/1", "b111/1")
    return [
        await plant.ebike(home, await world.living_in(home), f"AB0{n}", plate=f"浙F0000{n}")
        for n, home in enumerate(homes)
    ]


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Cast.RESIDENT, ["浙F00000"]),
        (Cast.NEIGHBOUR, ["浙F00001"]),
        (Cast.STAFF, ["浙F00000", "浙F00001"]),
        (Cast.SIBLING_STAFF, ["浙F00002"]),
        (Cast.POLICE, ["浙F00000", "浙F00001", "浙F00002"]),
    ],
)
async def test_each_sees_the_ebikes_of_their_place(
    api: Api, world: World, plant: Plant, who: Cast, expected: list[str]
) -> None:
    await four(world, plant)
    assert plates(await api.ask(EBIKES, await cast_of(world, who))) == expected


@pytest.mark.parametrize("who", [Cast.TOWN, Cast.COUNTY, Cast.OTHER_COUNTY, Cast.GUEST])
async def test_operators_and_guests_see_no_ebikes(api: Api, world: World, plant: Plant, who: Cast) -> None:
    ids = await four(world, plant)
    person = await cast_of(world, who)
    assert (await api.ask(EBIKES, person)).codes == ["NOT_FOUND"]
    assert (await api.ask(NODE, person, id=bike_id(ids[0]))).codes == ["NOT_FOUND"]


async def test_filters_and_pages(api: Api, world: World, plant: Plant) -> None:
    ids = await four(world, plant)
    police = await cast_of(world, "police")
    await api.ask(ARM, await cast_of(world, "resident"), id=bike_id(ids[0]))
    assert plates(await api.ask(EBIKES, police, guarded=True)) == ["浙F00000"]
    assert plates(await api.ask(EBIKES, police, guarded=False)) == ["浙F00001", "浙F00002"]
    assert plates(await api.ask(EBIKES, police, area=global_id("Area", world.areas["a112"]))) == ["浙F00002"]
    first = await api.ask(EBIKES, police, first=2)
    rest = await api.ask(EBIKES, police, after=first.data["eBikes"]["pageInfo"]["endCursor"])
    assert plates(first) + plates(rest) == ["浙F00000", "浙F00001", "浙F00002"]


async def test_a_resident_registers_an_ebike_with_tags(api: Api, world: World) -> None:
    resident = await cast_of(world, "resident")
    tags = [{"tag": "e2:80:11:60", "place": "BIKE"}, {"tag": "0xABCD", "place": "BATTERY"}]
    home = global_id("Home", world.homes["a111/1"])
    asked = {"home": home, "plate": "浙f·a0001", "make": "雅迪", "color": "红", "tags": tags}
    made = (await api.ask(REGISTER, resident, input=asked)).data["registerEBike"]
    assert (made["plate"], made["make"], made["color"], made["guarded"]) == ("浙FA0001", "雅迪", "红", False)
    assert made["owner"] == {"name": "owner a111/1"}
    assert made["tags"] == [{"tag": "E2801160", "place": "BIKE"}, {"tag": "ABCD", "place": "BATTERY"}]
    again = await api.ask(REGISTER, resident, input={"home": home, "tags": [{"tag": "ABCD"}]})
    assert (again.codes, again.errors[0]["message"]) == (["TAG_IN_USE"], "Tag ABCD is in use already")
    chinese = await api.ask(REGISTER, resident, language="zh-CN", input={"home": home, "tags": [{"tag": "ABCD"}]})
    assert chinese.errors[0]["message"] == "标签 ABCD 已被使用"
    assert len(plates(await api.ask(EBIKES, resident))) == 1  # the refused ones left nothing


async def test_the_office_registers_for_a_member_of_the_home(api: Api, world: World) -> None:
    staff, resident = await cast_of(world, "staff"), await cast_of(world, "resident")
    neighbour = await cast_of(world, "neighbour")
    home = global_id("Home", world.homes["a111/1"])

    async def register(**fields: Any) -> Answer:
        return await api.ask(REGISTER, staff, input={"home": home, **fields})

    assert (await register(owner=global_id("Account", resident.id))).data["registerEBike"]["owner"] is not None
    assert (await register(owner=global_id("Account", neighbour.id))).codes == ["NOT_A_MEMBER"]
    assert (await register()).codes == ["NOT_A_MEMBER"]


MAY_KEEP = {Cast.RESIDENT, Cast.STAFF, Cast.MANAGER}


@pytest.mark.parametrize("who", Cast)
async def test_who_may_fix_and_remove_tags_and_who_may_guard(api: Api, world: World, plant: Plant, who: Cast) -> None:
    ebike = await plant.ebike("a111/1", await world.living_in("a111/1"), TAG)
    person = await cast_of(world, who)
    staff = await cast_of(world, "staff")
    tag = (await api.ask(EBIKES, staff)).data["eBikes"]["edges"][0]["node"]["tags"][0]["id"]
    answers = {
        "add": await api.ask(ADD, person, bike=bike_id(ebike), tag="ABCD"),
        "remove": await api.ask(REMOVE, person, id=tag),
        "arm": await api.ask(ARM, person, id=bike_id(ebike)),
        "disarm": await api.ask(DISARM, person, id=bike_id(ebike)),
    }
    for name, answer in answers.items():
        allowed = who in MAY_KEEP if name in ("add", "remove") else who is Cast.RESIDENT
        assert answer.codes == ([] if allowed else ["NOT_FOUND"]), name


async def test_a_resident_by_phone_only_may_look_but_not_guard(api: Api, world: World, plant: Plant) -> None:
    ebike = await plant.ebike("a111/1", await world.living_in("a111/1"), TAG)
    tenant = await world.living_in("a111/1", HomeRole.TENANT, Trust.PHONE)
    assert len(plates(await api.ask(EBIKES, tenant))) == 1
    for operation in (ARM, DISARM):
        assert (await api.ask(operation, tenant, id=bike_id(ebike))).codes == ["FORBIDDEN"]
    assert (await api.ask(ADD, tenant, bike=bike_id(ebike), tag="ABCD")).codes == ["FORBIDDEN"]
    tag = (await api.ask(EBIKES, tenant)).data["eBikes"]["edges"][0]["node"]["tags"][0]["id"]
    assert (await api.ask(REMOVE, tenant, id=tag)).codes == ["FORBIDDEN"]


async def test_who_does_not_see_a_home_registers_nothing_for_it(api: Api, world: World) -> None:
    home = {"home": global_id("Home", world.homes["a111/1"])}
    assert (await api.ask(REGISTER, await cast_of(world, "neighbour"), input=home)).codes == ["NOT_FOUND"]
    by_phone = await world.living_in("a111/1", HomeRole.TENANT, Trust.PHONE)
    assert (await api.ask(REGISTER, by_phone, input=home)).codes == ["FORBIDDEN"]


async def test_arming_twice_keeps_when_it_began(api: Api, world: World, plant: Plant, clock: Clock) -> None:
    resident = await cast_of(world, "resident")
    ebike = bike_id(await plant.ebike("a111/1", resident, TAG))
    first = (await api.ask(ARM, resident, id=ebike)).data["armEBike"]
    clock.advance(minutes=5)
    assert (await api.ask(ARM, resident, id=ebike)).data["armEBike"] == first
    assert (await api.ask(DISARM, resident, id=ebike)).data["disarmEBike"] == {"guarded": False, "guardedSince": None}
    assert (await api.ask(DISARM, resident, id=ebike)).errors == []


async def test_disarming_ends_the_alert(api: Api, world: World, plant: Plant) -> None:
    resident = await cast_of(world, "resident")
    ebike = bike_id(await plant.ebike("a111/1", resident, TAG))
    await api.ask(ARM, resident, id=ebike)
    await plant.says(await plant.device("a111", DeviceKind.RFID_READER), plant.read(TAG))
    assert [alert.cleared_at for alert in await plant.alerts()] == [None]
    await api.ask(DISARM, resident, id=ebike)
    assert [alert.cleared_because for alert in await plant.alerts()] == ["disarmed"]


async def test_a_tag_is_in_use_once_and_free_again_when_removed(api: Api, world: World, plant: Plant) -> None:
    mine, theirs = await cast_of(world, "resident"), await world.living_in("b111/1")
    one, other = await plant.ebike("a111/1", mine), await plant.ebike("b111/1", theirs)
    answers = await asyncio.gather(
        api.ask(ADD, mine, bike=bike_id(one), tag=TAG), api.ask(ADD, theirs, bike=bike_id(other), tag=TAG)
    )
    assert sorted(answer.codes for answer in answers) == [[], ["TAG_IN_USE"]]
    winner, loser = (mine, theirs) if not answers[0].codes else (theirs, mine)
    node = (await api.ask(EBIKES, winner)).data["eBikes"]["edges"][0]["node"]
    assert node["tags"][0]["place"] == "BATTERY"
    tag = node["tags"][0]["id"]
    assert (await api.ask(NODE, loser, id=tag)).codes == ["NOT_FOUND"]
    assert (await api.ask(NODE, winner, id=tag)).data["node"]["tag"] == TAG
    assert (await api.ask(REMOVE, winner, id=tag)).data["removeEBikeTag"] == {"tags": []}
    assert (await api.ask(REMOVE, winner, id=tag)).codes == ["TAG_REMOVED"]
    lost = one if loser is mine else other
    assert (await api.ask(ADD, loser, bike=bike_id(lost), tag=TAG)).errors == []


async def test_an_ebike_has_so_many_tags(api: Api, world: World, plant: Plant) -> None:
    resident = await cast_of(world, "resident")
    ebike = await plant.ebike("a111/1", resident, *(f"AB0{n}" for n in range(6)))
    assert (await api.ask(ADD, resident, bike=bike_id(ebike), tag="ABCD")).codes == ["TOO_MANY_TAGS"]
    assert (await api.ask(ADD, resident, bike=bike_id(ebike), tag="nonsense")).codes == ["TOO_MANY_TAGS"]
    other = await plant.ebike("a111/1", resident)
    assert (await api.ask(ADD, resident, bike=bike_id(other), tag="nonsense")).codes == ["INVALID_SUBJECT"]


async def test_a_page_of_ebikes_takes_the_same_statements_whatever_its_length(
    api: Api, world: World, plant: Plant, statements: Statements
) -> None:
    resident, counts = await cast_of(world, "resident"), []
    await api.token(resident)
    for turn in range(2):
        for number in range(3):
            await plant.ebike("a111/1", resident, f"AB{turn}{number}")
        with statements.counted() as seen:
            assert (await api.ask(EBIKES, resident)).errors == []
        counts.append(len(seen))
    assert counts == [5, 5]
