"""A new resident of a home asks for what happened there before: by list, id, look-up and feed it is not there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from api.nodes import global_id
from api.security.keys import dated
from domain.kernel.actor import HomeRole, Role
from domain.kernel.paging import encode_cursor
from domain.security.devices.models import DeviceKind
from domain.security.devices.observation import EventKind
from tests.api.security.test_feeds import ALERTS, EVENTS, START, Listener
from tests.factories.api import Answer, Api
from tests.factories.clock import Clock
from tests.factories.plant import Plant
from tests.factories.world import Person, World

PAGE = "edges { node { id } } pageInfo { endCursor hasNextPage }"
EVENTS_OF = f"""query($area: ID, $first: Int, $after: String) {{
  events(area: $area, first: $first, after: $after) {{ {PAGE} }} }}"""
ALERTS_OF = f"{{ alerts {{ {PAGE} }} }}"
SIGHTINGS_OF = f"query($subject: SubjectInput!) {{ sightings(subject: $subject) {{ {PAGE} }} }}"
NODE = "query($id: ID!) { node(id: $id) { id } }"
ALERT = "query($id: ID!) { node(id: $id) { id ... on Alert { event { id } } } }"
EBIKES = "{ eBikes { edges { node { id tags { id } } } } }"
ADD = 'mutation($id: ID!) { addEBikeTag(eBike: $id, tag: "ABCD") { id } }'
REMOVE = "mutation($id: ID!) { removeEBikeTag(id: $id) { id } }"
END = "mutation($id: ID!) { endHousehold(household: $id) { id } }"
RESOLVE = 'mutation($id: ID!) { resolveAlert(id: $id, note: "ok") { id } }'
HOME, TAG = "a111/1", "E2801160"


def ids(answer: Answer) -> list[str]:
    (field,) = answer.data.values()
    return [edge["node"]["id"] for edge in field["edges"]]


async def passages(plant: Plant, clock: Clock, home: str = HOME) -> list[str]:
    """A passage before, one at the very instant of moving in, and one after it; the clock stands at that instant."""
    gate, made = await plant.device("a111", DeviceKind.GATE, home=home), []
    moved = clock.instant
    for away in (timedelta(seconds=-1), timedelta(0), timedelta(seconds=1)):
        clock.instant = moved + away
        said = {"decision": "granted", "person_no": "P-1"}
        (row,) = (await plant.says(gate, plant.seen(EventKind.PASSAGE, said, subject="P-1"))).rows
        made.append(global_id("Event", dated(gate.compound_id, row.at, row.event_id)))
    clock.instant = moved
    return made


async def test_events_before_moving_in_are_nowhere(api: Api, world: World, plant: Plant, clock: Clock) -> None:
    before, at, after = await passages(plant, clock)
    new = await world.living_in(HOME, HomeRole.TENANT, since=clock.instant)
    area = global_id("Area", world.areas["a111"])
    assert ids(await api.ask(EVENTS_OF, new)) == ids(await api.ask(EVENTS_OF, new, area=area)) == [after, at]
    first = await api.ask(EVENTS_OF, new, first=1)
    cursor = first.data["events"]["pageInfo"]["endCursor"]
    assert ids(await api.ask(EVENTS_OF, new, after=cursor)) == [at]
    past = await api.ask(EVENTS_OF, new, after=encode_cursor(clock.instant, 0))
    assert (ids(past), past.data["events"]["pageInfo"]["hasNextPage"]) == ([], False)
    assert (await api.ask(NODE, new, id=before)).codes == ["NOT_FOUND"]
    assert (await api.ask(NODE, new, id=at)).data["node"]["id"] == at
    assert len(ids(await api.ask(EVENTS_OF, await world.living_in(HOME)))) == 3


async def test_each_home_has_a_time_of_its_own(api: Api, world: World, plant: Plant, clock: Clock) -> None:
    here, there = await passages(plant, clock), await passages(plant, clock, "a111/2")
    person = await world.living_in(HOME, since=clock.instant)
    await world.living_in("a111/2", HomeRole.TENANT, person=person, since=clock.instant + timedelta(seconds=1))
    assert set(ids(await api.ask(EVENTS_OF, person))) == {here[1], here[2], there[2]}


async def test_a_feed_from_an_old_cursor_begins_with_moving_in(
    api: Api, world: World, plant: Plant, clock: Clock
) -> None:
    await passages(plant, clock)
    new = await world.living_in(HOME, since=clock.instant)
    async with Listener(api, EVENTS, new, after=START) as feed:
        await feed.take(2)
        assert await feed.silent()


async def test_a_leak_that_goes_on_is_told_but_not_what_was_said_before(
    api: Api, world: World, plant: Plant, clock: Clock
) -> None:
    smoke = await plant.device("a111", home=HOME)
    staff, former = await world.with_role(Role.PROPERTY_MANAGER, "a111"), await world.living_in(HOME)
    await plant.says(smoke, plant.smoke())
    (over,) = ids(await api.ask(ALERTS_OF, former))
    await api.ask(RESOLVE, staff, id=over)
    clock.advance(seconds=5)
    await plant.says(smoke, plant.smoke())
    clock.advance(seconds=5)
    new = await world.living_in(HOME, HomeRole.MEMBER, since=clock.instant)
    (going_on,) = ids(await api.ask(ALERTS_OF, new))
    assert going_on != over
    assert (await api.ask(NODE, new, id=over)).codes == ["NOT_FOUND"]
    assert (await api.ask(ALERT, new, id=going_on)).data["node"] == {"id": going_on, "event": None}
    async with Listener(api, ALERTS, new, after=START) as feed:
        assert (await api.ask(RESOLVE, staff, id=going_on)).data
        told = await feed.next()
        assert (told["change"], told["alert"]["id"]) == ("CLEARED", going_on)
        assert await feed.silent()
    assert ids(await api.ask(ALERTS_OF, new)) == [going_on]  # it went on in their time: it stays theirs to read


async def test_where_a_bike_was_before_is_not_told(api: Api, world: World, plant: Plant, clock: Clock) -> None:
    former = await world.living_in(HOME)
    gate, moved = await plant.device("a111", DeviceKind.RFID_READER), clock.instant
    await plant.ebike(HOME, former, TAG)
    await plant.says(gate, plant.read(TAG))
    subject: dict[str, Any] = {"kind": "TAG", "value": TAG}
    (seen,) = ids(await api.ask(SIGHTINGS_OF, former, subject=subject))

    async def told(person: Person) -> list[str]:
        assert (await api.ask(NODE, person, id=seen)).codes in ([], ["NOT_FOUND"])
        return ids(await api.ask(SIGHTINGS_OF, person, subject=subject))

    assert await told(await world.living_in(HOME, since=moved)) == [seen]
    new = await world.living_in(HOME, since=moved + timedelta(microseconds=1))
    assert await told(new) == []
    assert (await api.ask(NODE, new, id=seen)).codes == ["NOT_FOUND"]


@pytest.mark.parametrize("retired", [False, True])
async def test_a_bike_goes_with_its_owner(
    api: Api, world: World, plant: Plant, clock: Clock, superuser: asyncpg.Connection, retired: bool
) -> None:
    """Also before the worker has retired it: the next to live there is shown neither it nor its tags, nor where it is
    seen from then on; who lived there with the owner still knows of it, and the office of the place does."""
    former = await world.living_in(HOME)
    together, staff = await world.living_in(HOME, HomeRole.MEMBER), await world.with_role(Role.PROPERTY_STAFF, "a111")
    await plant.ebike(HOME, former, TAG)
    (node,) = (edge["node"] for edge in (await api.ask(EBIKES, together)).data["eBikes"]["edges"])
    bike, (tag,) = node["id"], [each["id"] for each in node["tags"]]
    household = global_id("Household", await world.household_id(former))
    assert (await api.ask(END, former, id=household)).errors == []
    api.authenticator.forget([former.id])
    if retired:
        await superuser.execute("update ebike set retired_at = $1", clock.instant)
    clock.advance(seconds=1)
    new = await world.living_in(HOME, since=clock.instant)
    await plant.says(await plant.device("a111", DeviceKind.RFID_READER), plant.read(TAG))
    subject: dict[str, Any] = {"kind": "TAG", "value": TAG}
    for person, known in ((former, False), (new, False), (together, True), (staff, True)):
        for thing in (bike, tag):
            answer = await api.ask(NODE, person, id=thing)
            assert answer.codes == ([] if known else ["NOT_FOUND"])
        if person is not former:
            assert ids(await api.ask(EBIKES, person)) == []
            assert len(ids(await api.ask(SIGHTINGS_OF, person, subject=subject))) == (person is staff)
        assert (await api.ask(ADD, person, id=bike)).codes == ["NOT_FOUND"]
    assert (await api.ask(REMOVE, new, id=tag)).codes == ["NOT_FOUND"]


async def test_an_officers_look_at_who_lived_there_before_them_is_on_record(
    api: Api, world: World, plant: Plant, clock: Clock, superuser: asyncpg.Connection
) -> None:
    before, at, _ = await passages(plant, clock)
    officer = await world.with_role(Role.COMMUNITY_POLICE, "a11", await world.living_in(HOME, since=clock.instant))
    read = "query($id: ID!) { node(id: $id) { ... on Event { attributes } } }"
    looks = []
    for event in (at, before):
        assert (await api.ask(read, officer, id=event)).data["node"]["attributes"]["person_no"] == "P-1"
        looks.append(await superuser.fetchval("select count(*) from audit_entry where object_type = 'Event'"))
    assert looks == [0, 1]
