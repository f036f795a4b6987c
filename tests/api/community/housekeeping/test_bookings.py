"""Free times, booking, cancelling, visiting and rating over the API, and what the worker process does after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import asyncpg

from api.execution.documents import Documents
from api.execution.limits import PRODUCTION, Limits
from api.nodes import global_id
from domain.community.housekeeping.calendar import Shift
from domain.community.housekeeping.catalogue import NewProvider, add_provider
from domain.community.housekeeping.events import VisitDone, VisitRated
from domain.kernel.actor import NOTHING, system_actor
from domain.kernel.relay import claim
from domain.kernel.uow import Database
from tests.factories.api import Api, schema
from tests.factories.cast import cast_of
from tests.factories.clock import Clock
from tests.factories.housekeeping import HOURLY, Cleaners
from tests.factories.statements import Statements
from tests.factories.vault import MemoryVault
from tests.factories.world import Person, World
from workers.handlers import handlers

VISIT = "id state startsAt endsAt quantity priceFen feeFen address note chargeId stars review cancelledByOffice"
BOOK = f"""mutation($input: BookHousekeepingInput!) {{ bookHousekeeping(input: $input) {{ __typename
  ... on HousekeepingBooked {{ skipped bookings {{ {VISIT} service {{ name }} worker {{ name }} home {{ door }}
    compound {{ name }} series {{ id every endedAt bookings {{ id }} }} }} }}
  ... on HousekeepingSlotTaken {{ taken {{ startsAt alternatives {{ startsAt endsAt workers {{ name }} }} }} }} }} }}"""
SLOTS = """query($id: ID!, $from: DateTime, $days: Int!, $first: Int, $minutes: Int, $worker: ID) { node(id: $id) {
  ... on HousekeepingService { slots(from: $from, days: $days, first: $first, minutes: $minutes, worker: $worker) {
    startsAt endsAt workers { id } } } } }"""
SCREEN = """query($day: DateTime, $first: Int) { housekeepingProviders(first: 20) { edges { node {
  name services { name unit priceFen slots(from: $day, first: $first) { startsAt } } } } } }"""
LIST = f"""query($home: ID, $compound: ID, $state: HousekeepingState) {{
  housekeepingBookings(home: $home, compound: $compound, state: $state) {{
    edges {{ node {{ {VISIT} home {{ door }} worker {{ name }} service {{ name }} }} }} }} }}"""
CANCEL = "mutation($id: ID!) { cancelHousekeeping(id: $id) { state feeFen cancelledByOffice } }"
END = "mutation($id: ID!) { endHousekeepingSeries(id: $id) { endedAt bookings { state } } }"
REASSIGN = "mutation($id: ID!, $worker: ID!) { reassignHousekeeping(id: $id, worker: $worker) { worker { id } } }"
CHECK_IN = "mutation($id: ID!) { checkInHousekeeping(id: $id) { state checkedInAt address home { door } } }"
CHECK_OUT = "mutation($id: ID!) { checkOutHousekeeping(id: $id) { state quantity priceFen } }"
RATE = 'mutation($id: ID!, $stars: Int!) { rateHousekeeping(id: $id, stars: $stars, review: "好") { stars review } }'
RETIRE = "mutation($id: ID!) { retireHousekeepingWorker(id: $id) { retiredAt } }"


async def book(api: Api, person: Person, service: int, home: str = "a111/1", **said: Any) -> Any:
    """What booking for a home answers."""
    asked = {"home": global_id("Home", api.world.homes[home]), "service": global_id("HousekeepingService", service)}
    answer = await api.ask(BOOK, person, input=asked | said)
    assert answer.errors == []
    return answer.data["bookHousekeeping"]


def text(instant: datetime) -> str:
    return instant.isoformat()


def read(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


async def test_a_resident_looks_for_a_time_books_it_and_a_neighbour_is_told_what_is_free(
    api: Api, world: World, cleaners: Cleaners
) -> None:
    service, _ = await cleaners.service(), await cleaners.worker()
    resident, neighbour = await cast_of(world, "resident"), await cast_of(world, "neighbour")
    node, day = global_id("HousekeepingService", service), cleaners.at(hour=0)
    found = await api.ask(SLOTS, resident, id=node, days=1, **{"from": text(day)})
    times = [read(slot["startsAt"]) for slot in found.data["node"]["slots"]]
    assert (times[0], times[-1], len(times)) == (day, day + timedelta(hours=22), 45)
    made = await book(api, resident, service, startsAt=text(cleaners.at()), note="三楼")
    (visit,) = made["bookings"]
    assert (visit["state"], visit["priceFen"], visit["address"]) == ("BOOKED", 10_000, "a111 1栋 1-1")
    assert (visit["service"], visit["worker"]) == ({"name": "日常保洁"}, {"name": "示例师傅"})
    assert (visit["home"], visit["compound"], visit["series"]) == ({"door": "1"}, {"name": "a111"}, None)
    assert visit["chargeId"] == global_id("Charge", 1)
    taken = await book(api, neighbour, service, "a111/2", startsAt=text(cleaners.at(hour=10)))
    assert taken["__typename"] == "HousekeepingSlotTaken"
    (missed,) = taken["taken"]
    assert read(missed["startsAt"]) == cleaners.at(hour=10)
    assert [read(free["startsAt"]).astimezone(day.tzinfo).strftime("%H:%M") for free in missed["alternatives"]] == [
        "07:00", "11:00", "11:30", "12:00", "12:30",
    ]  # fmt: skip
    assert missed["alternatives"][0]["workers"] == [{"name": "示例师傅"}]


async def test_slots_are_asked_for_within_bounds(api: Api, world: World, cleaners: Cleaners) -> None:
    service, worker = await cleaners.service(HOURLY), await cleaners.worker(shifts=[])
    resident, node = await cast_of(world, "resident"), global_id("HousekeepingService", service)
    who = global_id("HousekeepingWorker", worker)
    assert (await api.ask(SLOTS, resident, id=node, days=31, minutes=90, worker=who)).data["node"]["slots"] == []
    for said, code in (
        ({"days": 32}, "INVALID_QUANTITY"),
        ({"days": 0}, "INVALID_QUANTITY"),
        ({"days": 1, "minutes": 45}, "INVALID_QUANTITY"),
        ({"days": 1, "first": 0}, "INVALID_QUANTITY"),
        ({"days": 1, "first": 1489}, "INVALID_QUANTITY"),
        ({"days": 1, "from": "9999-12-31T23:59:59Z"}, "INVALID_TIME"),
        ({"days": 1, "from": "0001-01-01T00:00:00Z"}, "INVALID_TIME"),
    ):
        assert (await api.ask(SLOTS, resident, id=node, **said)).codes == [code]


async def test_a_screen_of_all_providers_next_times_is_affordable_and_read_at_once(
    api: Api, world: World, cleaners: Cleaners, statements: Statements
) -> None:
    resident, day = await cast_of(world, "resident"), text(cleaners.at(hour=0))
    seen = []
    for number in range(3):
        cleaners.providers.pop("a111", None)
        async with cleaners.database.unit_of_work(world.everywhere) as uow:
            new = NewProvider(world.areas["a111"], f"保洁 {number}")
            cleaners.providers["a111"] = await add_provider(uow, new=new)
        for name in ("日常保洁", "深度保洁"):
            await cleaners.service(name=name)
        for hours in ((8, 12), (10, 18)):
            await cleaners.worker(shifts=[Shift(weekday, *(60 * hour for hour in hours)) for weekday in range(1, 8)])
        with statements.counted() as counted:
            answer = await api.ask(SCREEN, resident, day=day, first=3)
        assert answer.errors == []
        seen.append(len(counted))
    assert seen[1] == seen[2]  # the first asks who it is, too
    shown = [edge["node"] for edge in answer.data["housekeepingProviders"]["edges"]]
    times = [[read(slot["startsAt"]) for slot in each["slots"]] for node in shown for each in node["services"]]
    first = cleaners.at(hour=8)
    assert times == [[first, first + timedelta(minutes=30), first + timedelta(hours=1)]] * 6
    document, own = Documents(schema()._schema, Limits(), PRODUCTION).read(SCREEN), Limits().budget(["resident"])
    costs = [document.cost(schema()._schema, document.operation(None), said) for said in ({"first": 3}, {})]
    assert costs[0] <= own / 2 < own < costs[1]  # a day's 48, unless said otherwise, are another screen's


async def test_each_sees_the_bookings_that_are_theirs_to_see(api: Api, world: World, cleaners: Cleaners) -> None:
    service, worker = await cleaners.service(), await cleaners.worker()
    colleague = cleaners.workers[await cleaners.worker()]
    resident, neighbour = await cast_of(world, "resident"), await cast_of(world, "neighbour")
    who = global_id("HousekeepingWorker", worker)
    await book(api, resident, service, startsAt=text(cleaners.at()), worker=who)
    await book(api, neighbour, service, "a111/2", startsAt=text(cleaners.at(hour=12)), worker=who)

    async def seen(person: Person, **said: Any) -> list[Any]:
        answer = await api.ask(LIST, person, **said)
        assert answer.errors == []
        return [edge["node"] for edge in answer.data["housekeepingBookings"]["edges"]]

    assert [visit["address"] for visit in await seen(resident)] == ["a111 1栋 1-1"]
    assert len(await seen(await cast_of(world, "staff"))) == 2
    theirs = await seen(cleaners.workers[worker])
    assert [(visit["address"], visit["home"]) for visit in theirs] == [("a111 1栋 1-1", None), ("a111 1栋 1-2", None)]
    assert await seen(colleague) == await seen(await cast_of(world, "sibling_staff")) == []
    assert await seen(resident, state="DONE") == []
    staff, home = await cast_of(world, "staff"), global_id("Home", world.homes["a111/2"])
    assert len(await seen(staff, home=home)) == 1
    assert await seen(cleaners.workers[worker], home=home) == []
    assert await seen(staff, compound=global_id("Area", world.areas["a112"])) == []
    for who_else in ("police", "county", "guest"):
        assert (await api.ask(LIST, await cast_of(world, who_else))).codes == ["NOT_FOUND"]


async def test_a_series_is_booked_and_ended(api: Api, world: World, cleaners: Cleaners) -> None:
    service, _ = await cleaners.service(), await cleaners.worker()
    resident, neighbour = await cast_of(world, "resident"), await cast_of(world, "neighbour")
    await book(api, neighbour, service, "a111/2", startsAt=text(cleaners.at(days=14)))
    weekly = {"startsAt": text(cleaners.at()), "every": "WEEK", "times": 3}
    refused = await book(api, resident, service, **weekly)
    assert [read(each["startsAt"]) for each in refused["taken"]] == [cleaners.at(days=14)]
    made = await book(api, resident, service, **weekly, skipTaken=True)
    assert [read(each) for each in made["skipped"]] == [cleaners.at(days=14)]
    series = made["bookings"][0]["series"]
    assert (series["every"], len(series["bookings"])) == ("WEEK", 2)
    assert (await api.ask(END, neighbour, id=series["id"])).codes == ["NOT_FOUND"]
    ended = (await api.ask(END, resident, id=series["id"])).data["endHousekeepingSeries"]
    assert ended["endedAt"]
    assert [each["state"] for each in ended["bookings"]] == ["CANCELLED", "CANCELLED"]


async def test_a_visit_is_cancelled_or_another_comes(api: Api, world: World, cleaners: Cleaners) -> None:
    service, worker = await cleaners.service(), await cleaners.worker()
    other = await cleaners.worker()
    resident, staff = await cast_of(world, "resident"), await cast_of(world, "staff")
    made = await book(api, resident, service, startsAt=text(cleaners.at()))
    visit, new = made["bookings"][0]["id"], global_id("HousekeepingWorker", other)
    assert (await api.ask(RETIRE, staff, id=global_id("HousekeepingWorker", worker))).codes == ["WORKER_BOOKED"]
    moved = await api.ask(REASSIGN, staff, id=visit, worker=new)
    assert moved.data["reassignHousekeeping"]["worker"]["id"] == new
    retired = await api.ask(RETIRE, staff, id=global_id("HousekeepingWorker", worker))
    assert retired.data["retireHousekeepingWorker"]["retiredAt"]
    told = (await api.ask(CANCEL, resident, id=visit)).data["cancelHousekeeping"]
    assert told == {"state": "CANCELLED", "feeFen": 0, "cancelledByOffice": False}
    assert (await api.ask(CANCEL, resident, id=visit)).codes == ["WRONG_STATE"]


async def test_a_visit_from_the_door_to_the_stars(
    api: Api, world: World, cleaners: Cleaners, clock: Clock, clocked: Database, superuser: asyncpg.Connection
) -> None:
    service, number = await cleaners.service(HOURLY), await cleaners.worker()
    resident, worker = await cast_of(world, "resident"), cleaners.workers[number]
    made = await book(api, resident, service, startsAt=text(cleaners.at()), minutes=180)
    visit = made["bookings"][0]["id"]
    assert (await api.ask(CHECK_IN, worker, id=visit)).codes == ["TOO_EARLY"]
    clock.instant = cleaners.at()
    api._tokens.clear()
    begun = (await api.ask(CHECK_IN, worker, id=visit)).data["checkInHousekeeping"]
    assert (begun["state"], begun["address"], begun["home"]) == ("UNDER_WAY", "a111 1栋 1-1", None)
    clock.advance(minutes=65)
    api._tokens.clear()
    done = (await api.ask(CHECK_OUT, worker, id=visit)).data["checkOutHousekeeping"]
    assert done == {"state": "DONE", "quantity": 90, "priceFen": 6_000}
    rated = (await api.ask(RATE, resident, id=visit, stars=5)).data["rateHousekeeping"]
    assert rated == {"stars": 5, "review": "好"}
    assert (await api.ask(RATE, resident, id=visit, stars=5)).codes == ["WRONG_STATE"]
    await handle(clocked)
    assert await superuser.fetchval("select amount_fen from charge") == 6_000
    assert tuple(await superuser.fetchrow("select ratings, stars from housekeeping_worker")) == (1, 5)


async def handle(database: Database) -> None:
    """What the workers do with housekeeping's events, twice: it is done once."""
    table = handlers(push=None, sms=None, vault=MemoryVault())  # type: ignore[arg-type]
    async with database.unit_of_work(system_actor(NOTHING)) as uow:
        events = await claim(uow, [VisitDone.name, VisitRated.name], limit=10, lease=timedelta(seconds=30))
    assert [event.name for event in events] == [VisitDone.name, VisitRated.name]
    for event in events * 2:
        for handler in table[event.name]:
            await handler.handle(database, event)
