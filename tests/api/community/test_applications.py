"""applications, applicationStatistics, myRequests: by residents, the office and operators."""

from __future__ import annotations

import pytest

from api.community.applications.types import SUBJECTS
from api.nodes import global_id
from api.permissions import NODES
from domain.community.applications.service import Kind, Progress, progress, submit
from tests.api.security.test_feeds import START, Listener
from tests.factories.api import Answer, Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.world import World

APPLICATIONS = """query($area: ID, $state: ApplicationState, $kind: ApplicationKind, $first: Int, $after: String) {
  applications(area: $area, state: $state, kind: $kind, first: $first, after: $after) {
    edges { node { id title kind state subject steps { state note } home { door } compound { name } } }
    pageInfo { hasNextPage endCursor } } }"""
STATISTICS = """query($area: ID, $from: DateTime, $to: DateTime) {
  applicationStatistics(area: $area, from: $from, to: $to) {
    total { kind submitted accepted handled open acceptMedianSeconds handleP90Seconds } byKind { kind submitted } } }"""
FEED = """subscription($area: ID, $after: String) { myRequests(area: $area, after: $after) {
  cursor state note at application { id title state } } }"""


async def asked(world: World, subject: int, home: str, *states: Progress) -> int:
    async with world.database.unit_of_work(world.everywhere) as uow:
        home_id = world.homes[home]
        made = await submit(uow, kind=Kind.REPAIR, subject_id=subject, home_id=home_id, title=f"{subject} {home}")
        for state in states:
            await progress(uow, application_id=made, state=state, note=f"now {state}")
    return made


async def several(world: World, clock: Clock) -> None:
    """Two of one home, one next door, one in the next compound; each a minute after the one before."""
    ends = ((Progress.ACCEPTED,), (), (Progress.CANCELLED,), ())
    for subject, (home, states) in enumerate(zip(("a111/1", "a111/1", "a111/2", "a112/1"), ends, strict=True), 1):
        await asked(world, subject, home, *states)
        clock.advance(minutes=1)


def titles(answer: Answer) -> list[str]:
    return [edge["node"]["title"] for edge in answer.data["applications"]["edges"]]


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Cast.RESIDENT, ["2 a111/1", "1 a111/1"]),
        (Cast.NEIGHBOUR, ["3 a111/2"]),
        (Cast.STAFF, ["3 a111/2", "2 a111/1", "1 a111/1"]),
        (Cast.SIBLING_STAFF, ["4 a112/1"]),
    ],
)
async def test_each_sees_the_applications_of_their_place(
    api: Api, world: World, clock: Clock, who: Cast, expected: list[str]
) -> None:
    await several(world, clock)
    assert titles(await api.ask(APPLICATIONS, await cast_of(world, who))) == expected


async def test_filters_pages_and_steps(api: Api, world: World, clock: Clock) -> None:
    await several(world, clock)
    staff = await cast_of(world, "staff")
    assert titles(await api.ask(APPLICATIONS, staff, state="ACCEPTED")) == ["1 a111/1"]
    assert titles(await api.ask(APPLICATIONS, staff, kind="HOUSEKEEPING")) == []
    first = await api.ask(APPLICATIONS, staff, first=2)
    rest = await api.ask(APPLICATIONS, staff, after=first.data["applications"]["pageInfo"]["endCursor"])
    assert titles(first) + titles(rest) == ["3 a111/2", "2 a111/1", "1 a111/1"]
    node = rest.data["applications"]["edges"][0]["node"]
    assert node["steps"] == [{"state": "SUBMITTED", "note": ""}, {"state": "ACCEPTED", "note": "now accepted"}]
    assert node["subject"] == global_id("RepairRequest", 1)
    assert (node["home"], node["compound"]) == ({"door": "1"}, {"name": "a111"})


async def test_numbers_for_office_and_operators(api: Api, world: World, clock: Clock) -> None:
    start = clock()
    await several(world, clock)
    town, staff = await cast_of(world, "town"), await cast_of(world, "staff")
    told = (await api.ask(STATISTICS, town)).data["applicationStatistics"]
    assert told == {
        "total": {
            "kind": None, "submitted": 4, "accepted": 1, "handled": 0, "open": 3,
            "acceptMedianSeconds": 0, "handleP90Seconds": None,
        },
        "byKind": [{"kind": "REPAIR", "submitted": 4}],
    }  # fmt: skip
    area = global_id("Area", world.areas["a112"])
    assert (await api.ask(STATISTICS, town, area=area)).data["applicationStatistics"]["total"]["submitted"] == 1
    span = {"from": start.isoformat(), "to": clock().isoformat()}
    assert (await api.ask(STATISTICS, staff, **span)).data["applicationStatistics"]["total"]["submitted"] == 3
    assert (await api.ask(STATISTICS, staff, area=area)).codes == ["NOT_FOUND"]
    clock.advance(minutes=1)
    nothing = (await api.ask(STATISTICS, staff, **{"from": clock().isoformat()})).data["applicationStatistics"]
    assert (nothing["total"]["submitted"], nothing["byKind"]) == (0, [])


@pytest.mark.parametrize(("who", "expected"), [(Cast.RESIDENT, [1, 2]), (Cast.NEIGHBOUR, [3]), (Cast.STAFF, [1, 2, 3])])
async def test_the_feed_tells_of_ones_own_and_goes_on_behind_its_cursor(
    api: Api, world: World, who: Cast, expected: list[int]
) -> None:
    person = await cast_of(world, who)
    for subject, home in enumerate(("a111/1", "a111/1", "a111/2", "a112/1"), 1):
        await asked(world, subject, home)
    async with Listener(api, FEED, person, after=START) as feed:
        first = await feed.take(len(expected))
        assert await feed.silent()
    assert [int(item["application"]["title"].split()[0]) for item in first] == expected
    made = await asked(world, 9, "a111/2" if who is Cast.NEIGHBOUR else "a111/1", Progress.IN_PROGRESS)
    async with Listener(api, FEED, person, after=first[-1]["cursor"]) as feed:
        rest = await feed.take(2)
    assert [(item["state"], item["note"]) for item in rest] == [("SUBMITTED", ""), ("IN_PROGRESS", "now in_progress")]
    assert {item["application"]["id"] for item in rest} == {global_id("Application", made)}
    assert [item["application"]["state"] for item in rest] == ["SUBMITTED", "IN_PROGRESS"]


def test_what_an_application_is_for_can_be_opened() -> None:
    assert SUBJECTS.keys() == set(Kind)
    assert set(SUBJECTS.values()) <= NODES.keys()
