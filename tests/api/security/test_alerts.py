"""alerts, node of an alert, acknowledgeAlert, resolveAlert, assignAlert: by everybody the matrix has."""

from __future__ import annotations

import asyncio

import pytest

from api.nodes import global_id
from domain.kernel.actor import HomeRole, Role, Trust
from domain.kernel.uow import News
from domain.security.devices.models import DeviceKind
from domain.security.devices.observation import EventKind
from tests.factories.api import Answer, Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.plant import Plant
from tests.factories.statements import Statements
from tests.factories.world import World

ALERTS = """query($area: ID, $state: AlertState, $acknowledged: Boolean, $kind: AlertKind, $least: Severity,
                  $first: Int, $after: String) {
  alerts(area: $area, state: $state, acknowledged: $acknowledged, kind: $kind, severityAtLeast: $least,
         first: $first, after: $after) {
    edges { node { id kind state severity acknowledged place home { door } compound { name } } }
    pageInfo { hasNextPage endCursor } } }"""
NODE = "query($id: ID!) { node(id: $id) { ... on Alert { kind } } }"
ACKNOWLEDGE = "mutation($id: ID!) { acknowledgeAlert(id: $id) { acknowledged acknowledgedBy { name } } }"
RESOLVE = """mutation($id: ID!, $note: String!) { resolveAlert(id: $id, note: $note) {
  state clearedBecause note clearedBy { name } } }"""
ASSIGN = "mutation($id: ID!, $account: ID!) { assignAlert(id: $id, account: $account) { assignedTo { name } } }"


def shown(answer: Answer) -> list[str]:
    """Where each alert was raised."""
    return [
        edge["node"]["compound"]["name"] if edge["node"]["compound"] else "?" for edge in answer.data["alerts"]["edges"]
    ]


def alert_id(alert: object) -> str:
    return global_id("Alert", f"{alert.compound_id}.{alert.id}")  # type: ignore[attr-defined]


async def everywhere(plant: Plant) -> None:
    """Smoke in a111/1, in a111/2, in the stairs of a112, in a211 and in b111."""
    await plant.alarm("a111", home="a111/1")
    await plant.alarm("a111", home="a111/2")
    await plant.alarm("a112")
    await plant.alarm("a211")
    await plant.alarm("b111")


SEEN = {
    "resident": ["a111"],
    "neighbour": ["a111"],
    "staff": ["a111", "a111"],
    "sibling_staff": ["a112"],
    "police": ["a112", "a111", "a111"],
    "town": ["a112", "a111", "a111"],
    "county": ["a211", "a112", "a111", "a111"],
    "other_county": ["b111"],
}


@pytest.mark.parametrize("who", SEEN)
async def test_each_sees_the_alerts_of_their_place(api: Api, world: World, plant: Plant, who: str) -> None:
    await everywhere(plant)
    answer = await api.ask(ALERTS, await cast_of(world, who))
    assert shown(answer) == SEEN[who]


async def test_nobody_and_guests_see_none(api: Api, world: World, plant: Plant) -> None:
    await plant.alarm("a111")
    assert (await api.ask(ALERTS)).codes == ["UNAUTHENTICATED"]
    assert (await api.ask(ALERTS, await world.person())).codes == ["NOT_FOUND"]


async def test_an_audience_narrows_what_residents_and_staff_see(api: Api, world: World, plant: Plant) -> None:
    """A duress alarm is told to staff and police, not to the home; a hot forehead to staff only."""
    gate = await plant.device("a111", DeviceKind.GATE, home="a111/1")
    await plant.says(gate, plant.passage(duress=True))
    await plant.says(gate, plant.passage(decision="refused", temperature_c=38.2))
    seen = {}
    for who in ("resident", "staff", "police", "town"):
        answer = await api.ask(ALERTS, await cast_of(world, who))
        seen[who] = sorted(edge["node"]["kind"] for edge in answer.data["alerts"]["edges"])
    both = ["BODY_TEMPERATURE", "DURESS"]
    assert seen == {"resident": [], "staff": both, "police": both, "town": both}


@pytest.mark.parametrize("who", Cast)
async def test_a_node_and_commands_answer_like_the_list(api: Api, world: World, plant: Plant, who: Cast) -> None:
    alert = await plant.alarm("a111", home="a111/1")
    person = await cast_of(world, who)
    allowed = who in ("resident", "staff", "manager", "police", "town", "county")
    node = await api.ask(NODE, person, id=alert_id(alert))
    absent = await api.ask(NODE, person, id=global_id("Alert", f"{alert.compound_id}.{alert.id + 1000}"))
    acknowledged = await api.ask(ACKNOWLEDGE, person, id=alert_id(alert))
    if allowed:
        assert node.data == {"node": {"kind": "SMOKE"}}
        assert acknowledged.data["acknowledgeAlert"]["acknowledged"] is True
    else:
        assert node == absent
        assert acknowledged.codes == ["NOT_FOUND"]
        assert (await plant.alerts())[0].acknowledged_at is None


async def test_one_takes_notice_once_and_others_learn_who(
    api: Api, world: World, plant: Plant, news: list[News]
) -> None:
    alert = await plant.alarm("a111", home="a111/1")
    staff, police = await cast_of(world, "staff"), await cast_of(world, "police")
    news.clear()
    first = await api.ask(ACKNOWLEDGE, staff, id=alert_id(alert))
    assert first.data["acknowledgeAlert"] == {"acknowledged": True, "acknowledgedBy": {"name": "property_staff a111"}}
    assert news == [News(frozenset({"alerts"}), frozenset({alert.compound_id}))]
    assert (await api.ask(ACKNOWLEDGE, staff, id=alert_id(alert))).errors == []
    assert (await api.ask(ACKNOWLEDGE, police, id=alert_id(alert))).codes == ["ALREADY_ACKNOWLEDGED"]
    assert len(news) == 1


async def test_an_alert_is_resolved_once_with_a_note(api: Api, world: World, plant: Plant) -> None:
    alert = await plant.alarm("a111")
    staff, police = await cast_of(world, "staff"), await cast_of(world, "police")
    answers = await asyncio.gather(
        api.ask(RESOLVE, staff, id=alert_id(alert), note="  灭火完毕\n现场安全 "),
        api.ask(RESOLVE, police, id=alert_id(alert), note="done"),
    )
    assert sorted(answer.codes for answer in answers) == [[], ["ALREADY_CLEARED"]]
    (after,) = await plant.alerts()
    assert after.cleared_because == "resolved"
    assert after.note in ("灭火完毕\n现场安全", "done")
    assert after.cleared_by in (staff.id, police.id)


@pytest.mark.parametrize("note", ["", "  ", "x" * 501, "a\x07b"])
async def test_a_note_says_something_short(api: Api, world: World, plant: Plant, note: str) -> None:
    alert = await plant.alarm("a111")
    answer = await api.ask(RESOLVE, await cast_of(world, "staff"), id=alert_id(alert), note=note)
    assert answer.codes == ["INVALID_TEXT"]
    assert answer.errors[0]["extensions"]["field"] == "note"
    assert (await plant.alerts())[0].cleared_at is None


@pytest.mark.parametrize(
    ("kind", "said", "trust", "expected"),
    [
        (DeviceKind.SMOKE, {"smoke": True}, Trust.OFFICE, ["FORBIDDEN"]),
        (DeviceKind.WATER_LEAK, {"water_leak": True}, Trust.OFFICE, []),
        (DeviceKind.WATER_LEAK, {"water_leak": True}, Trust.PHONE, ["FORBIDDEN"]),
    ],
)
async def test_a_verified_resident_resolves_what_is_not_critical(
    api: Api, world: World, plant: Plant, kind: DeviceKind, said: dict[str, bool], trust: Trust, expected: list[str]
) -> None:
    sensor = await plant.device("a111", kind, home="a111/1")
    await plant.says(sensor, plant.seen(EventKind.SENSOR, said))
    resident = await world.living_in("a111/1", HomeRole.MEMBER, trust)
    answer = await api.ask(RESOLVE, resident, id=alert_id((await plant.alerts())[0]), note="已处理")
    assert answer.codes == expected


async def test_an_alert_is_assigned_to_somebody_responsible_for_its_place(api: Api, world: World, plant: Plant) -> None:
    alert = await plant.alarm("a111")
    police, staff = await cast_of(world, "police"), await cast_of(world, "staff")
    sibling, resident = await cast_of(world, "sibling_staff"), await cast_of(world, "resident")

    async def assign(by: object, to: object) -> Answer:
        return await api.ask(ASSIGN, by, id=alert_id(alert), account=global_id("Account", to.id))  # type: ignore[arg-type,attr-defined]

    assert (await assign(police, staff)).data["assignAlert"] == {"assignedTo": {"name": "property_staff a111"}}
    assert (await assign(police, sibling)).codes == ["NOT_RESPONSIBLE"]
    assert (await assign(police, resident)).codes == ["NOT_RESPONSIBLE"]
    assert (await assign(resident, staff)).codes == ["NOT_FOUND"]
    assert (await assign(police, staff)).errors == []
    await api.ask(RESOLVE, staff, id=alert_id(alert), note="ok")
    assert (await assign(police, police)).codes == ["ALREADY_CLEARED"]


async def test_a_role_elsewhere_lets_nobody_assign_what_they_only_see(api: Api, world: World, plant: Plant) -> None:
    alert = await plant.alarm("a111", home="a111/1")
    both = await world.with_role(Role.PROPERTY_STAFF, "a112", await cast_of(world, "resident"))
    answer = await api.ask(ASSIGN, both, id=alert_id(alert), account=global_id("Account", both.id))
    assert answer.codes == ["FORBIDDEN"]
    assert (await plant.alerts())[0].assigned_to is None


@pytest.mark.parametrize("who", ["resident", "neighbour"])
async def test_a_residents_compound_is_an_area_of_their_own_alerts(
    api: Api, world: World, plant: Plant, who: str
) -> None:
    await everywhere(plant)
    person = await cast_of(world, who)
    own = await api.ask(ALERTS, person, area=global_id("Area", world.areas["a111"]))
    assert shown(own) == ["a111"]
    assert (await api.ask(ALERTS, person, area=global_id("Area", world.areas["a112"]))).codes == ["NOT_FOUND"]


async def test_filters_narrow_the_list(api: Api, world: World, plant: Plant) -> None:
    county = await cast_of(world, "county")
    await everywhere(plant)
    await plant.says(
        await plant.device("a111", DeviceKind.GATE), plant.passage(decision="refused", health_code="yellow")
    )
    (first, *_) = await plant.alerts()
    await api.ask(ACKNOWLEDGE, county, id=alert_id(first))
    await api.ask(RESOLVE, county, id=alert_id(first), note="ok")

    async def count(**variables: object) -> int:
        return len(shown(await api.ask(ALERTS, county, **variables)))

    def area(name: str) -> str:
        return global_id("Area", world.areas[name])

    assert await count() == 5
    assert await count(state="ACTIVE") == 4
    assert await count(state="CLEARED") == 1
    assert await count(acknowledged=True) == 1
    assert await count(acknowledged=False) == 4
    assert await count(kind="HEALTH_CODE") == 1
    assert await count(least="MAJOR") == 4
    assert await count(area=area("a1")) == 4
    assert await count(area=area("a11")) == 4
    assert await count(area=area("a2")) == 1
    assert await count(area=area("a112"), state="ACTIVE") == 1
    assert (await api.ask(ALERTS, county, area=area("b111"))).codes == ["NOT_FOUND"]
    assert (await api.ask(ALERTS, county, area=global_id("Home", 1))).codes == ["NOT_FOUND"]


@pytest.mark.parametrize("who", ["police", "county", "staff"])
async def test_pages_follow_each_other_without_gap_or_repeat(
    api: Api, world: World, plant: Plant, clock: Clock, who: str
) -> None:
    for minute in range(7):
        await plant.alarm("a111")
        clock.advance(seconds=minute % 2)  # some share their instant
    person, seen, after, more = await cast_of(world, who), [], None, True
    while more:
        page = (await api.ask(ALERTS, person, first=3, after=after)).data["alerts"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert seen == [alert_id(alert) for alert in reversed(await plant.alerts())]


async def test_somebody_with_two_ways_to_an_alert_sees_it_once(api: Api, world: World, plant: Plant) -> None:
    await plant.alarm("a111", home="a111/1")
    person = await world.with_role(Role.PROPERTY_STAFF, "a111", await world.living_in("a111/1"))
    assert shown(await api.ask(ALERTS, person)) == ["a111"]


async def test_an_alert_explains_itself_in_the_callers_language(api: Api, world: World, plant: Plant) -> None:
    await plant.alarm("a111")
    query = "{ alerts { edges { node { times audience explanation { rule text because } event { kind } } } } }"
    staff = await cast_of(world, "staff")
    node = (await api.ask(query, staff, language="en")).data["alerts"]["edges"][0]["node"]
    assert node == {
        "times": 1,
        "audience": ["HOME", "STAFF", "POLICE"],
        "explanation": {
            "rule": "sensor",
            "text": "Smoke detected",
            "because": {"property": "smoke", "value": True},
        },
        "event": {"kind": "SENSOR"},
    }
    chinese = (await api.ask(query, staff, language="zh-CN")).data["alerts"]["edges"][0]["node"]
    assert chinese["explanation"]["text"] == "烟雾报警"


async def test_a_page_of_alerts_takes_the_same_statements_whatever_its_length(
    api: Api, world: World, plant: Plant, statements: Statements
) -> None:
    query = """{ alerts { edges { node { kind device { name liveness { heardAt } } home { door building { name } }
      compound { name } event { attributes device { name } pictures { url } } acknowledgedBy { name } } } } }"""
    police = await cast_of(world, "police")
    counts = []
    for _ in range(2):
        for _ in range(3):
            alert = await plant.alarm("a111", home="a111/1")
            await api.ask(ACKNOWLEDGE, police, id=alert_id(alert))
        with statements.counted() as seen:
            assert (await api.ask(query, police)).errors == []
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 10
