"""events, sightings and their nodes: who sees what, in which order, and what of it tells who it was."""

from __future__ import annotations

from typing import Any

import pytest

from api.nodes import global_id
from domain.security.devices.models import DeviceKind
from domain.security.devices.observation import EventKind
from tests.factories.api import Answer, Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.plant import Plant, ago
from tests.factories.statements import Statements
from tests.factories.world import World

EVENTS = """query($area: ID, $device: ID, $kind: EventKind, $from: DateTime, $to: DateTime,
                  $first: Int, $after: String) {
  events(area: $area, device: $device, kind: $kind, from: $from, to: $to, first: $first, after: $after) {
    edges { node { id kind at occurredAt receivedAt late clockSuspect driftMs attributes device { place } } }
    pageInfo { hasNextPage endCursor } } }"""
SIGHTINGS = """query($subject: SubjectInput!, $area: ID, $from: DateTime, $to: DateTime, $first: Int, $after: String) {
  sightings(subject: $subject, area: $area, from: $from, to: $to, first: $first, after: $after) {
    edges { node { id kind subject at leftAt direction event { kind } device { place } compound { name } } }
    pageInfo { hasNextPage endCursor } } }"""
NODE = (
    """query($id: ID!) { node(id: $id) { __typename ... on Event { kind attributes } ... on Sighting { subject } } }"""
)
PLATE, TAG = "浙FD12345", "E2801160"


def nodes(answer: Answer) -> list[dict[str, Any]]:
    (field,) = answer.data.values()
    return [edge["node"] for edge in field["edges"]]


def places(answer: Answer) -> list[str]:
    return [node["device"]["place"] if node["device"] else "?" for node in nodes(answer)]


async def one_each(plant: Plant, clock: Clock) -> None:
    """Smoke in a111/1, a111/2, the stairs of a111, a112, a211 and b111, in this order."""
    for compound, home in (
        ("a111", "a111/1"),
        ("a111", "a111/2"),
        ("a111", None),
        ("a112", None),
        ("a211", None),
        ("b111", None),
    ):
        place = home or ("stairs" if compound == "a111" else compound)
        await plant.says(await plant.device(compound, home=home, place=place), plant.smoke())
        clock.advance(seconds=1)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Cast.RESIDENT, ["a111/1"]),
        (Cast.NEIGHBOUR, ["a111/2"]),
        (Cast.STAFF, ["stairs", "a111/2", "a111/1"]),
        (Cast.SIBLING_STAFF, ["a112"]),
        (Cast.POLICE, ["a112", "stairs", "a111/2", "a111/1"]),
        (Cast.TOWN, ["a112", "stairs", "a111/2", "a111/1"]),
        (Cast.COUNTY, ["a211", "a112", "stairs", "a111/2", "a111/1"]),
        (Cast.OTHER_COUNTY, ["b111"]),
    ],
)
async def test_each_sees_the_events_of_their_place(
    api: Api, world: World, plant: Plant, clock: Clock, who: Cast, expected: list[str]
) -> None:
    await one_each(plant, clock)
    person = await cast_of(world, who)
    answer = await api.ask(EVENTS, person)
    assert places(answer) == expected
    for node in nodes(answer):
        assert (await api.ask(NODE, person, id=node["id"])).data["node"]["kind"] == "SENSOR"


async def test_an_event_out_of_sight_is_one_that_is_not_there(
    api: Api, world: World, plant: Plant, clock: Clock
) -> None:
    await one_each(plant, clock)
    theirs = nodes(await api.ask(EVENTS, await cast_of(world, "other_county")))[0]["id"]
    for who in (Cast.RESIDENT, Cast.STAFF, Cast.COUNTY, Cast.GUEST):
        assert (await api.ask(NODE, await cast_of(world, who), id=theirs)).codes == ["NOT_FOUND"]
    assert (await api.ask(EVENTS)).codes == ["UNAUTHENTICATED"]
    assert (await api.ask(EVENTS, await world.person())).codes == ["NOT_FOUND"]


@pytest.mark.parametrize("who", [Cast.COUNTY, Cast.POLICE, Cast.STAFF])
async def test_pages_follow_each_other_without_gap_or_repeat(
    api: Api, world: World, plant: Plant, clock: Clock, who: Cast
) -> None:
    """Over months and over compounds; some events share their instant."""
    devices = [await plant.device("a111"), await plant.device("a112")]
    for days in (100, 40, 40, 3, 0, 0, 0):
        for device in devices:
            await plant.says(device, plant.smoke(late=days > 0, occurred_at=ago(clock, days=days)))
    person, seen, after, more = await cast_of(world, who), [], None, True
    while more:
        answer = await api.ask(EVENTS, person, first=3, after=after)
        seen += [(node["at"], node["id"]) for node in nodes(answer)]
        more, after = answer.data["events"]["pageInfo"]["hasNextPage"], answer.data["events"]["pageInfo"]["endCursor"]
    assert len({id_ for _, id_ in seen}) == len(seen) == (7 if who is Cast.STAFF else 14)
    assert [at for at, _ in seen] == sorted((at for at, _ in seen), reverse=True)


async def test_filters_narrow_the_list(api: Api, world: World, plant: Plant, clock: Clock) -> None:
    await one_each(plant, clock)
    gate = await plant.device("a111", DeviceKind.GATE, place="gate")
    await plant.says(gate, plant.passage())
    police, county = await cast_of(world, "police"), await cast_of(world, "county")
    here = global_id("Area", world.areas["a111"])
    assert places(await api.ask(EVENTS, police, area=here, kind="PASSAGE")) == ["gate"]
    by_gate = {"device": global_id("Device", gate.id)}
    assert places(await api.ask(EVENTS, county, **by_gate)) == ["gate"]
    assert places(await api.ask(EVENTS, county, **by_gate, area=global_id("Area", world.areas["a2"]))) == []
    since = ago(clock, seconds=4).isoformat()
    assert places(await api.ask(EVENTS, county, **{"from": since})) == ["gate", "a211", "a112", "stairs"]
    assert places(await api.ask(EVENTS, county, to=since)) == ["a111/2", "a111/1"]
    week = ago(clock, days=7).isoformat()
    assert places(await api.ask(EVENTS, county, kind="PASSAGE", **{"from": week})) == ["gate"]
    for area in (world.areas["b111"], 99999):
        assert (await api.ask(EVENTS, county, area=global_id("Area", area))).codes == ["NOT_FOUND"]


@pytest.mark.parametrize("days", [None, 7.1])
async def test_one_kind_over_many_compounds_needs_a_range(
    api: Api, world: World, clock: Clock, days: float | None
) -> None:
    bounds = {} if days is None else {"from": ago(clock, days=days).isoformat()}
    answer = await api.ask(EVENTS, await cast_of(world, "county"), kind="PASSAGE", **bounds)
    assert (answer.codes, answer.errors[0]["extensions"]["params"]) == (["RANGE_NEEDED"], {"days": 7})


async def test_an_event_tells_its_times(api: Api, world: World, plant: Plant, clock: Clock) -> None:
    device = await plant.device("a111")
    await plant.says(device, plant.smoke(occurred_at=ago(clock, seconds=1.25)))
    await plant.says(device, plant.smoke(occurred_at=ago(clock, days=40), late=True))
    await plant.says(device, plant.smoke(occurred_at=ago(clock, hours=-1)))
    await plant.says(device, plant.smoke(occurred_at=None))
    found = nodes(await api.ask(EVENTS, await cast_of(world, "staff")))
    times = [(node["late"], node["clockSuspect"], node["driftMs"], node["at"] == node["receivedAt"]) for node in found]
    assert sorted(times, key=str) == sorted(
        [
            (False, False, 1250, False),
            (True, False, 40 * 86_400_000, False),
            (False, True, -3_600_000, True),
            (False, False, None, True),
        ],
        key=str,
    )


async def test_only_office_police_and_the_home_itself_learn_who_it_was(
    api: Api, world: World, plant: Plant, clock: Clock
) -> None:
    owner = await cast_of(world, "resident")
    await plant.ebike("a111/1", owner, TAG)
    gate = await plant.device("a111", DeviceKind.GATE)
    await plant.says(gate, plant.passage("R-7", temperature_c=36.4))
    clock.advance(seconds=1)
    await plant.says(await plant.device("a111", DeviceKind.RFID_READER), plant.read(TAG))
    who_knows = {}
    for who in (Cast.STAFF, Cast.POLICE, Cast.TOWN, Cast.COUNTY):
        tag, person = (node["attributes"] for node in nodes(await api.ask(EVENTS, await cast_of(world, who))))
        who_knows[who] = (tag.get("tag"), person.get("person_no"), person.get("temperature_c"), person["decision"])
    assert who_knows[Cast.STAFF] == who_knows[Cast.POLICE] == (TAG, "R-7", 36.4, "granted")
    assert who_knows[Cast.TOWN] == who_knows[Cast.COUNTY] == (None, None, None, "granted")
    (own,) = nodes(await api.ask(EVENTS, owner))
    assert (own["attributes"]["tag"], own["attributes"]["phase"]) == (TAG, "enter")
    assert nodes(await api.ask(EVENTS, await cast_of(world, "neighbour"))) == []


async def moved(plant: Plant, clock: Clock) -> None:
    """A plate through a111, a112, a211, b111; a tag of a111/1 past a reader in a111 and one in a112."""
    for compound in ("a111", "a112", "a211", "b111"):
        barrier = await plant.device(compound, DeviceKind.BARRIER_CAMERA, place=compound)
        await plant.says(barrier, plant.plate(PLATE))
        clock.advance(seconds=1)
    for compound in ("a111", "a112"):
        await plant.says(await plant.device(compound, DeviceKind.RFID_READER, place=compound), plant.read(TAG))
        clock.advance(seconds=1)


SEEN = [
    (Cast.RESIDENT, [], ["a112", "a111"]),
    (Cast.NEIGHBOUR, [], []),
    (Cast.STAFF, ["a111"], ["a111"]),
    (Cast.SIBLING_STAFF, ["a112"], ["a112"]),
    (Cast.POLICE, ["a112", "a111"], ["a112", "a111"]),
]


@pytest.mark.parametrize(("who", "plate", "tag"), SEEN)
async def test_movements_are_shown_where_one_serves_or_of_ones_own_home(
    api: Api, world: World, plant: Plant, clock: Clock, who: Cast, plate: list[str], tag: list[str]
) -> None:
    await plant.ebike("a111/1", await world.living_in("a111/1"), TAG)
    await moved(plant, clock)
    person = await cast_of(world, who)
    spelled = {"kind": "PLATE", "value": "浙f·d 12345"}
    found = nodes(await api.ask(SIGHTINGS, person, subject=spelled))
    assert [node["compound"]["name"] for node in found] == plate
    assert {node["subject"] for node in found} <= {PLATE}
    tags = nodes(await api.ask(SIGHTINGS, person, subject={"kind": "TAG", "value": "e2:80:11:60"}))
    assert len(tags) == len(tag)
    assert {node["subject"] for node in tags} <= {TAG}
    for node in found + tags:
        assert (await api.ask(NODE, person, id=node["id"])).data["node"]["subject"] in (PLATE, TAG)


@pytest.mark.parametrize("who", [Cast.TOWN, Cast.COUNTY, Cast.OTHER_COUNTY, Cast.GUEST])
async def test_operators_and_guests_look_nobody_up(
    api: Api, world: World, plant: Plant, clock: Clock, who: Cast
) -> None:
    await moved(plant, clock)
    person = await cast_of(world, who)
    police = await cast_of(world, "police")
    assert (await api.ask(SIGHTINGS, person, subject={"kind": "PLATE", "value": PLATE})).codes == ["NOT_FOUND"]
    seen = nodes(await api.ask(SIGHTINGS, police, subject={"kind": "PLATE", "value": PLATE}))
    assert (await api.ask(NODE, person, id=seen[0]["id"])).codes == ["NOT_FOUND"]


async def test_sightings_by_area_and_time_and_in_pages(api: Api, world: World, plant: Plant, clock: Clock) -> None:
    await moved(plant, clock)
    police, subject = await cast_of(world, "police"), {"kind": "PLATE", "value": PLATE}
    here = global_id("Area", world.areas["a112"])
    assert places(await api.ask(SIGHTINGS, police, subject=subject, area=here)) == ["a112"]
    first = await api.ask(SIGHTINGS, police, subject=subject, first=1)
    rest = await api.ask(SIGHTINGS, police, subject=subject, after=first.data["sightings"]["pageInfo"]["endCursor"])
    assert places(first) + places(rest) == ["a112", "a111"]
    middle = nodes(first)[0]["at"]
    assert places(await api.ask(SIGHTINGS, police, subject=subject, **{"from": middle})) == ["a112"]
    assert places(await api.ask(SIGHTINGS, police, subject=subject, to=middle)) == ["a111"]
    assert (await api.ask(SIGHTINGS, police, subject={"kind": "TAG", "value": "?"})).codes == ["INVALID_SUBJECT"]
    elsewhere = global_id("Area", world.areas["b111"])
    assert (await api.ask(SIGHTINGS, police, subject=subject, area=elsewhere)).codes == ["NOT_FOUND"]


async def test_a_sighting_leads_to_its_event(api: Api, world: World, plant: Plant, clock: Clock) -> None:
    await moved(plant, clock)
    police = await cast_of(world, "police")
    for kind, value, event in (("PLATE", PLATE, "PLATE_READ"), ("TAG", TAG, "TAG_READ")):
        found = nodes(await api.ask(SIGHTINGS, police, subject={"kind": kind, "value": value}))
        assert [node["event"] for node in found] == [{"kind": event}] * 2


async def test_a_page_takes_the_same_statements_whatever_its_length(
    api: Api, world: World, plant: Plant, clock: Clock, statements: Statements
) -> None:
    police, counts = await cast_of(world, "police"), []
    await api.token(police)
    device = await plant.device("a111", home="a111/1")
    camera = await plant.device("a112", DeviceKind.BARRIER_CAMERA)
    for _ in range(2):
        for _ in range(4):
            await plant.says(device, plant.seen(EventKind.SENSOR, {"smoke": True}))
            await plant.says(camera, plant.plate(PLATE))
        with statements.counted() as seen:
            await api.ask(EVENTS, police)
            await api.ask(SIGHTINGS, police, subject={"kind": "PLATE", "value": PLATE})
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8
