"""alertFeed and eventFeed: who hears what, from where, and who shares a rendering."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from api.context import make_context
from api.nodes import global_id
from api.security.types.alerts import ACCOUNTS
from domain.kernel.paging import encode_cursor
from domain.security.devices.models import DeviceKind
from tests.factories.api import Api, schema
from tests.factories.cast import cast_of
from tests.factories.patience import PATIENCE
from tests.factories.plant import Plant
from tests.factories.statements import Statements
from tests.factories.world import Person, World

ALERTS = """subscription($area: ID, $after: String) { alertFeed(area: $area, after: $after) {
  cursor change at alert { id kind state severity acknowledged place explanation { text } } } }"""
EVENTS = """subscription($area: ID, $device: ID, $after: String) {
  eventFeed(area: $area, device: $device, after: $after) { cursor event { kind attributes } } }"""
ACKNOWLEDGE = "mutation($id: ID!) { acknowledgeAlert(id: $id) { id } }"
RESOLVE = 'mutation($id: ID!) { resolveAlert(id: $id, note: "ok") { id } }'
START = encode_cursor(0, 0)
SILENCE = 0.3


class Listener:
    """One open subscription."""

    def __init__(self, api: Api, operation: str, by: Person, **variables: Any) -> None:
        self._api, self._operation, self._by, self._variables = api, operation, by, variables

    async def __aenter__(self) -> Listener:
        identity = await self._api.authenticator.identify(f"Bearer {await self._api.token(self._by)}")
        self.context = make_context(identity.actor, services=self._api.services, accept_language="en")  # type: ignore[arg-type]
        self._stream: Any = await schema().subscribe(
            self._operation, variable_values=self._variables, context_value=self.context
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()
        await self.context.close()

    async def next(self, seconds: float = PATIENCE) -> dict[str, Any]:
        """The next item's field. Transactions of other tests' databases hold the log back too, so this is patient."""
        result = await asyncio.wait_for(anext(self._stream), seconds)
        assert result.errors is None, result.errors
        return next(iter(result.data.values()))

    async def refusal(self) -> str:
        """The code with which the subscription is refused."""
        result = await asyncio.wait_for(anext(self._stream), PATIENCE)
        return str(result.errors[0].extensions["code"])

    async def take(self, count: int) -> list[dict[str, Any]]:
        """The next ``count`` items."""
        return [await self.next() for _ in range(count)]

    async def silent(self) -> bool:
        """Whether nothing comes for a while; ends the stream."""
        try:
            await self.next(SILENCE)
        except TimeoutError:
            return True
        return False


async def test_a_life_of_an_alert_is_heard_in_order(api: Api, world: World, plant: Plant) -> None:
    staff = await cast_of(world, "staff")
    async with Listener(api, ALERTS, staff, after=START) as feed:
        device = await plant.device("a111")
        await plant.says(device, plant.smoke())
        raised = await feed.next()
        await api.ask(ACKNOWLEDGE, staff, id=raised["alert"]["id"])
        await plant.says(device, plant.smoke())  # again, while open: no change
        await api.ask(RESOLVE, staff, id=raised["alert"]["id"])
        rest = await feed.take(2)
    assert [item["change"] for item in (raised, *rest)] == ["RAISED", "ACKNOWLEDGED", "CLEARED"]
    assert [item["alert"]["state"] for item in (raised, *rest)] == ["ACTIVE", "ACTIVE", "CLEARED"]
    assert [item["alert"]["acknowledged"] for item in (raised, *rest)] == [False, True, True]
    assert raised["alert"]["explanation"] == {"text": "Smoke detected"}


async def test_a_feed_goes_on_behind_its_cursor(api: Api, world: World, plant: Plant) -> None:
    county = await cast_of(world, "county")
    for _ in range(4):
        await plant.alarm("a111")
    async with Listener(api, ALERTS, county, after=START) as feed:
        first = await feed.take(2)
    async with Listener(api, ALERTS, county, after=first[-1]["cursor"]) as feed:
        rest = await feed.take(2)
        await plant.alarm("a211")
        rest.append(await feed.next())
    ids = [item["alert"]["id"] for item in first + rest]
    assert ids == [global_id("Alert", f"{row.compound_id}.{row.id}") for row in await plant.alerts()]


HEARD = {
    "resident": ["a111/1"],
    "neighbour": ["a111/2"],
    "staff": ["a111/1", "a111/2", "stairs"],
    "sibling_staff": ["a112"],
    "police": ["a111/1", "a111/2", "stairs", "a112"],
    "town": ["a111/1", "a111/2", "stairs", "a112"],
    "county": ["a111/1", "a111/2", "stairs", "a112", "a211"],
    "other_county": ["b111"],
}


@pytest.mark.parametrize("who", HEARD)
async def test_each_hears_the_alerts_and_events_of_their_place(api: Api, world: World, plant: Plant, who: str) -> None:
    person = await cast_of(world, who)
    places = [("a111", "a111/1"), ("a111", "a111/2"), ("a111", None), ("a112", None), ("a211", None), ("b111", None)]
    for compound, home in places:
        place = home or ("stairs" if compound == "a111" else compound)
        sensor = await plant.device(compound, home=home, place=place)
        await plant.says(sensor, plant.smoke())
    expected = HEARD[who]
    async with Listener(api, ALERTS, person, after=START) as feed:
        assert [item["alert"]["place"] for item in await feed.take(len(expected))] == expected
        assert await feed.silent()
    async with Listener(api, EVENTS, person, after=START) as feed:
        await feed.take(len(expected))
        assert await feed.silent()


async def test_an_area_and_a_device_narrow_a_feed(api: Api, world: World, plant: Plant) -> None:
    county = await cast_of(world, "county")
    one, other = await plant.device("a111", place="one"), await plant.device("a211", place="other")
    for device in (one, other, one):
        await plant.says(device, plant.smoke())
    async with Listener(api, ALERTS, county, area=global_id("Area", world.areas["a2"]), after=START) as feed:
        assert (await feed.next())["alert"]["place"] == "other"
        assert await feed.silent()
    async with Listener(api, EVENTS, county, device=global_id("Device", one.id), after=START) as feed:
        assert len(await feed.take(2)) == 2
        assert await feed.silent()


async def test_a_feed_of_an_area_out_of_sight_is_one_that_is_not_there(api: Api, world: World) -> None:
    police = await cast_of(world, "police")
    for area in (world.areas["b111"], 99999):
        async with Listener(api, ALERTS, police, area=global_id("Area", area)) as feed:
            assert await feed.refusal() == "NOT_FOUND"


@pytest.mark.parametrize("after", ["", "bm9wZQ", encode_cursor(-1, 0), encode_cursor(0, -1), encode_cursor("x", 1)])
async def test_a_cursor_not_made_here_is_refused(api: Api, world: World, after: str) -> None:
    async with Listener(api, ALERTS, await cast_of(world, "staff"), after=after) as feed:
        assert await feed.refusal() == "BAD_CURSOR"


async def test_events_tell_who_only_to_those_who_may_know(api: Api, world: World, plant: Plant) -> None:
    gate = await plant.device("a111", DeviceKind.GATE)
    await plant.says(gate, plant.passage("R-77"))
    said = {}
    for who in ("staff", "police", "town", "county"):
        async with Listener(api, EVENTS, await cast_of(world, who), after=START) as feed:
            said[who] = (await feed.next())["event"]["attributes"]
    known = {"decision": "granted", "method": "face"}
    assert said["town"] == said["county"] == known
    assert said["staff"] == said["police"] == known | {"person_no": "R-77", "subject": "R-77"}


async def test_an_item_of_the_feed_asks_the_database_for_nothing(
    api: Api, world: World, plant: Plant, statements: Statements
) -> None:
    devices = [await plant.device("a111") for _ in range(3)]
    async with Listener(api, ALERTS, await cast_of(world, "staff"), after=START) as feed:
        with statements.counted() as seen:
            for device in devices:
                await plant.says(device, plant.smoke())
            items = await feed.take(3)
    assert [item["alert"]["kind"] for item in items] == ["SMOKE"] * 3
    reads = [statement for statement in seen if statement.lstrip().startswith("SELECT")]
    assert any("FROM alert_change" in statement for statement in reads)
    assert not [statement for statement in reads if "FROM alert \n" in statement or "FROM device \n" in statement]


async def _key(api: Api, person: Person, fields: str, language: str = "en") -> object:
    identity = await api.authenticator.identify(f"Bearer {await api.token(person)}")
    made: list[object] = []

    class Feeds:
        def feed(self, *_: object, key: object, **__: object) -> Any:
            made.append(key)

            async def nothing() -> Any:
                return
                yield

            return nothing()

    services = type("S", (), {"database": api.services.database, "feeds": Feeds()})()
    context = make_context(identity.actor, services=services, accept_language=language)
    operation = f"subscription {{ alertFeed {{ alert {{ {fields} }} }} }}"
    if "...who" in fields:
        operation += " fragment who on Alert { assignedTo { id } }"
    stream: Any = await schema().subscribe(operation, context_value=context)
    assert [result async for result in stream] == []
    await context.close()
    return made[0]


async def test_equal_rights_share_a_rendering_unless_it_shows_people(api: Api, world: World) -> None:
    one, two = await cast_of(world, "police"), await cast_of(world, "police")
    staff = await cast_of(world, "staff")
    assert await _key(api, one, "kind") == await _key(api, two, "kind")
    assert await _key(api, one, "kind") != await _key(api, staff, "kind")
    assert await _key(api, one, "kind") != await _key(api, one, "kind", "zh-CN")
    for people in ("acknowledgedBy { phone }", "...who", "... on Alert { me: clearedBy { phone } }"):
        assert await _key(api, one, people) != await _key(api, two, people)


def test_every_way_from_an_alert_or_event_to_a_person_is_named() -> None:
    """What ``ACCOUNTS`` does not name would be rendered once for people who may not see the same of it."""
    core = schema()._schema
    seen: set[str] = set()
    ways: set[str] = set()
    waiting = ["AlertFeedItem", "EventFeedItem"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        kind = core.type_map[name]
        if not isinstance(kind, GraphQLObjectType):
            continue
        for field, definition in kind.fields.items():
            target = get_named_type(definition.type).name
            if target == "Account":
                ways.add(field)
            else:
                waiting.append(target)
    assert ways == ACCOUNTS
