"""Providers, price lists, workers, hours and absences over the API: one test per operation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.nodes import global_id
from domain.kernel.actor import Role
from tests.factories.api import Api
from tests.factories.cast import Cast, cast_of
from tests.factories.clock import Clock
from tests.factories.housekeeping import HOURLY, Cleaners
from tests.factories.world import World

PROVIDERS = """query($compound: ID) { housekeepingProviders(compound: $compound) { edges { node {
  id name licence contact compound { name }
  services { name unit priceFen minutes freeHours latePercent provider { name } }
  workers { name ratings rating hours { weekday opens closes } provider { name } account { phone } } } } } }"""
ADD_PROVIDER = """mutation($input: AddHousekeepingProviderInput!) {
  addHousekeepingProvider(input: $input) { id name licence contact } }"""
RETIRE_PROVIDER = "mutation($id: ID!) { retireHousekeepingProvider(id: $id) { retiredAt } }"
ADD_SERVICE = """mutation($input: AddHousekeepingServiceInput!) { addHousekeepingService(input: $input) {
  name description unit priceFen minimumFen minutes pace freeHours latePercent } }"""
RETIRE_SERVICE = "mutation($id: ID!) { retireHousekeepingService(id: $id) { name retiredAt } }"
ADD_WORKER = """mutation($provider: ID!, $phone: String!, $name: String!) {
  addHousekeepingWorker(provider: $provider, phone: $phone, name: $name) { id name account { phone } } }"""
SET_HOURS = """mutation($input: SetHousekeepingHoursInput!) {
  setHousekeepingHours(input: $input) { hours { weekday opens closes } } }"""
ADD_ABSENCE = """mutation($input: AddHousekeepingAbsenceInput!) {
  addHousekeepingAbsence(input: $input) { id startsAt endsAt worker { name } } }"""
REMOVE_ABSENCE = "mutation($id: ID!) { removeHousekeepingAbsence(id: $id) { removedAt } }"
ABSENCES = "{ housekeepingAbsences { edges { node { id worker { name } } } } }"


def nodes(data: Any) -> list[Any]:
    (found,) = data.values()
    return [edge["node"] for edge in found["edges"]]


@pytest.mark.parametrize("who", [Cast.RESIDENT, Cast.STAFF, Cast.POLICE, Cast.COUNTY, "worker"])
async def test_everybody_around_sees_what_is_offered(api: Api, world: World, cleaners: Cleaners, who: str) -> None:
    await cleaners.service(HOURLY)
    worker = await cleaners.worker(shifts=[])
    person = cleaners.workers[worker] if who == "worker" else await cast_of(world, who)
    (provider,) = nodes((await api.ask(PROVIDERS, person)).data)
    assert (provider["name"], provider["contact"]) == ("保洁 a111", "0573-0000")
    assert provider["services"] == [
        {
            "name": "日常保洁", "unit": "HOUR", "priceFen": 4000, "minutes": 60, "freeHours": 24, "latePercent": 50,
            "provider": {"name": "保洁 a111"},
        }
    ]  # fmt: skip
    (shown,) = provider["workers"]
    assert (shown["name"], shown["ratings"], shown["rating"], shown["hours"]) == ("示例师傅", 0, None, [])
    assert (shown["account"] is not None) is (who in (Cast.STAFF, Cast.POLICE, Cast.COUNTY, "worker"))


@pytest.mark.parametrize(("who", "seen"), [(Cast.SIBLING_STAFF, 0), (Cast.OTHER_COUNTY, 0)])
async def test_and_nobody_else(api: Api, world: World, cleaners: Cleaners, who: str, seen: int) -> None:
    await cleaners.service()
    compound = global_id("Area", world.areas["a111"])
    assert len(nodes((await api.ask(PROVIDERS, await cast_of(world, who), compound=compound)).data)) == seen


async def test_the_office_enters_a_provider_and_retires_it(api: Api, world: World) -> None:
    staff = await cast_of(world, "staff")
    compound = global_id("Area", world.areas["a111"])
    asked = {"compound": compound, "name": "示例保洁", "licence": "91330421ma2b000x1k", "contact": "0573-1234"}
    made = (await api.ask(ADD_PROVIDER, staff, input=asked)).data["addHousekeepingProvider"]
    assert (made["name"], made["licence"]) == ("示例保洁", "91330421MA2B000X1K")
    again = await api.ask(ADD_PROVIDER, staff, input=asked)
    assert (again.codes, again.errors[0]["message"]) == (["NAME_TAKEN"], "There is one called 示例保洁 already")
    assert (await api.ask(ADD_PROVIDER, staff, input=asked | {"licence": "1"})).codes == ["INVALID_LICENCE"]
    assert (await api.ask(RETIRE_PROVIDER, staff, id=made["id"])).data["retireHousekeepingProvider"]["retiredAt"]
    assert (await api.ask(RETIRE_PROVIDER, staff, id=made["id"])).codes == ["RETIRED"]
    assert nodes((await api.ask(PROVIDERS, staff)).data) == []


async def test_the_office_keeps_the_price_list(api: Api, world: World, cleaners: Cleaners) -> None:
    staff, provider = await cast_of(world, "staff"), global_id("HousekeepingProvider", await cleaners.provider())
    asked = {
        "provider": provider, "name": "深度保洁", "unit": "SQUARE_METRE", "priceFen": 600, "minimumFen": 20_000,
        "minutes": 120, "pace": 20, "freeHours": 12, "latePercent": 30, "description": "含玻璃",
    }  # fmt: skip
    made = (await api.ask(ADD_SERVICE, staff, input=asked)).data["addHousekeepingService"]
    assert made == {name: value for name, value in asked.items() if name != "provider"}
    assert (await api.ask(ADD_SERVICE, staff, input=asked)).codes == ["NAME_TAKEN"]
    wrong = await api.ask(ADD_SERVICE, staff, input=asked | {"minutes": 10})
    assert (wrong.codes, wrong.errors[0]["extensions"]["field"]) == (["INVALID_TERMS"], "minutes")
    service = global_id("HousekeepingService", 1)
    assert (await api.ask(RETIRE_SERVICE, staff, id=service)).data["retireHousekeepingService"]["retiredAt"]
    assert (await api.ask(ADD_SERVICE, staff, input=asked | {"priceFen": 650})).codes == []


async def test_the_manager_employs_and_the_office_sets_the_hours(api: Api, world: World, cleaners: Cleaners) -> None:
    manager, person = await cast_of(world, "manager"), await world.person()
    provider = global_id("HousekeepingProvider", await cleaners.provider())
    added = await api.ask(ADD_WORKER, manager, provider=provider, phone=person.phone, name="示例阿姨")
    made = added.data["addHousekeepingWorker"]
    assert (made["name"], made["account"]) == ("示例阿姨", {"phone": person.phone})
    again = await api.ask(ADD_WORKER, manager, provider=provider, phone=person.phone, name="示例阿姨")
    assert again.codes == ["ALREADY_WORKER"]
    hours = [{"weekday": 3, "opens": 480, "closes": 1020}]
    week = await api.ask(SET_HOURS, await cast_of(world, "staff"), input={"worker": made["id"], "hours": hours})
    assert week.data["setHousekeepingHours"]["hours"] == hours
    odd = [{"weekday": 3, "opens": 481, "closes": 1020}]
    assert (await api.ask(SET_HOURS, manager, input={"worker": made["id"], "hours": odd})).codes == ["INVALID_HOURS"]


async def test_a_worker_is_away_and_is_not(api: Api, world: World, cleaners: Cleaners, clock: Clock) -> None:
    number = await cleaners.worker()
    person = cleaners.workers[number]
    span = {"startsAt": clock().isoformat(), "endsAt": (clock() + timedelta(hours=5)).isoformat()}
    asked = {"worker": global_id("HousekeepingWorker", number), **span}
    made = (await api.ask(ADD_ABSENCE, person, input=asked)).data["addHousekeepingAbsence"]
    assert made["worker"] == {"name": "示例师傅"}
    assert (await api.ask(ADD_ABSENCE, person, input=asked)).codes == ["WORKER_BOOKED"]
    staff, resident = await cast_of(world, "staff"), await cast_of(world, "resident")
    colleague = await world.with_role(Role.SERVICE_WORKER, "a111")
    for who, seen in ((person, 1), (staff, 1), (colleague, 0)):
        assert len(nodes((await api.ask(ABSENCES, who)).data)) == seen
    assert (await api.ask(ABSENCES, resident)).codes == ["NOT_FOUND"]
    assert (await api.ask(REMOVE_ABSENCE, person, id=made["id"])).data["removeHousekeepingAbsence"]["removedAt"]
    assert nodes((await api.ask(ABSENCES, staff)).data) == []
