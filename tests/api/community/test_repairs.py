"""Repairs over the API: a resident, the office and workers from request to return visit; offers, lists, refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.nodes import global_id, row_id
from domain.community.repairs.following import charge_repair, sweep_late
from domain.community.uploads.service import keep_upload
from domain.kernel.actor import Role, Scope, system_actor
from domain.kernel.pictures import StoredPicture
from tests.factories.api import Api
from tests.factories.clock import Clock
from tests.factories.repairs import actor_of
from tests.factories.world import Person, World

FIELDS = (
    "id state title address worker late priceFen stars charge paidAt pictures { label } used { name } home { door }"
)
REQUEST = f"mutation($input: RequestRepairInput!) {{ requestRepair(input: $input) {{ {FIELDS} }} }}"
QUOTE = f"""mutation($id: ID!, $items: [RepairItemInput!]!) {{ quoteRepair(request: $id, items: $items, note: "含税") {{
  {FIELDS} quotations {{ totalFen state note items {{ kind name quantity unitFen }} }} }} }}"""
GRAB = f"mutation($id: ID!) {{ grabRepair(offer: $id) {{ {FIELDS} }} }}"
OFFERS = """query($skill: RepairSkill) { repairOffers(skill: $skill) { edges { node {
  id kind skill warranted acceptBy building { name } compound { name } } } } }"""
REPAIRS = """query($state: RepairState, $late: Boolean, $unvisited: Boolean, $area: ID) {
  repairs(state: $state, late: $late, unvisited: $unvisited, area: $area) { edges { node { title state } } } }"""
WORKERS = "{ repairWorkers { edges { node { id skills account { name } compound { name } } } } }"
SKILLS = (
    "mutation($grant: ID!, $skills: [RepairSkill!]!) { setRepairSkills(grant: $grant, skills: $skills) { id skills } }"
)
SHORT = {
    "assignRepair": "$worker: ID|worker: $worker",
    "answerQuotation": "$accept: Boolean!|accept: $accept",
    "startRepair": "$uploads: [ID!]|uploads: $uploads",
    "finishRepair": "$uploads: [ID!]|uploads: $uploads",
    "rateRepair": '$stars: Int!|stars: $stars, text: "很好"',
    "recordReturnVisit": '$satisfied: Boolean!|satisfied: $satisfied, note: "满意"',
    "cancelRepair": '|reason: "不用了"',
    "rejectRepair": '|reason: "不在服务范围"',
}
ITEMS = [
    {"kind": "PART", "name": "温控器", "quantity": 2, "unitFen": 1500},
    {"kind": "LABOUR", "name": "上门", "unitFen": 5000},
]


def of(name: str) -> str:
    declared, _, passed = SHORT[name].partition("|")
    return f"mutation($id: ID!, {declared}) {{ {name}(request: $id, {passed}) {{ {FIELDS} }} }}"


async def picture(world: World, person: Person) -> str:
    """An upload of the person that waits to be attached."""
    async with world.database.unit_of_work(await actor_of(world, person)) as uow:
        kept = await keep_upload(uow, picture=StoredPicture(sha256="ab" * 32, width=8, height=8, size=80))
    return global_id("Upload", kept.id)


async def asked(api: Api, world: World, by: Person, title: str = "不制冷", **more: Any) -> str:
    given = {"home": global_id("Home", world.homes["a111/1"]), "kind": "REFRIGERATOR", "title": title} | more
    return str((await api.ask(REQUEST, by, input=given)).data["requestRepair"]["id"])


async def repairer(api: Api, world: World, *skills: str) -> Person:
    """A service worker of a111 whom the office gave skills."""
    worker = await world.with_role(Role.SERVICE_WORKER, "a111")
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    grant = global_id("RoleGrant", await world.grant_id(worker))
    told = (await api.ask(SKILLS, staff, grant=grant, skills=list(skills))).data["setRepairSkills"]
    assert told["skills"] == sorted(skills)
    return worker


def offer_of(repair: str) -> str:
    return global_id("RepairOffer", row_id(repair, "RepairRequest"))


async def test_from_request_to_return_visit(api: Api, world: World) -> None:
    resident, staff = await world.living_in("a111/1"), await world.with_role(Role.PROPERTY_STAFF, "a111")
    worker = await repairer(api, world, "APPLIANCE")
    repair = await asked(api, world, resident, uploads=[await picture(world, resident)])

    async def do(name: str, by: Person, **given: Any) -> dict[str, Any]:
        answer = await api.ask(of(name), by, id=repair, **given)
        assert answer.errors == [], (name, answer.errors)
        return dict(answer.data[name])

    (offer,) = [edge["node"] for edge in (await api.ask(OFFERS, worker)).data["repairOffers"]["edges"]]
    assert (offer["kind"], offer["building"], offer["warranted"]) == ("REFRIGERATOR", {"name": "a111 1栋"}, False)
    taken = (await api.ask(GRAB, worker, id=offer["id"])).data["grabRepair"]
    assert (taken["state"], taken["address"], taken["home"]) == ("ASSIGNED", "a111 1栋 1-1", None)
    assert taken["worker"] == "service_worker a111"
    quoted = (await api.ask(QUOTE, worker, id=repair, items=ITEMS)).data["quoteRepair"]
    (quotation,) = quoted["quotations"]
    assert (quotation["totalFen"], quotation["state"], quotation["note"]) == (8000, "offered", "含税")
    assert [item["name"] for item in quotation["items"]] == ["温控器", "上门"]
    assert (await do("answerQuotation", resident, accept=True))["state"] == "AGREED"
    await do("startRepair", worker, uploads=[await picture(world, worker)])
    done = await do("finishRepair", worker, uploads=[await picture(world, worker)])
    assert (done["state"], done["priceFen"], done["charge"]) == ("DONE", 8000, None)
    assert [picture["label"] for picture in done["pictures"]] == ["problem", "before", "after"]
    assert [item["name"] for item in done["used"]] == ["温控器", "上门"]
    async with world.database.unit_of_work(system_actor(Scope(compounds=(world.areas["a111"],)))) as uow:
        charge = await charge_repair(uow, repair_id=row_id(repair, "RepairRequest"))
    rated = await do("rateRepair", resident, stars=5)
    assert (rated["stars"], rated["charge"], rated["paidAt"]) == (5, global_id("Charge", charge or 0), None)
    assert titles(await api.ask(REPAIRS, staff, unvisited=True)) == ["不制冷"]
    await do("recordReturnVisit", staff, satisfied=True)
    assert titles(await api.ask(REPAIRS, staff, unvisited=True)) == []


def titles(answer: Any) -> list[str]:
    return [edge["node"]["title"] for edge in answer.data["repairs"]["edges"]]


async def test_who_sees_which_repairs(api: Api, world: World, clock: Clock) -> None:
    resident, neighbour = await world.living_in("a111/1"), await world.living_in("a111/2")
    worker = await repairer(api, world, "APPLIANCE", "FURNITURE")
    staff, police = (
        await world.with_role(Role.PROPERTY_STAFF, "a111"),
        await world.with_role(Role.COMMUNITY_POLICE, "a11"),
    )
    mine = await asked(api, world, resident, "one")
    clock.advance(minutes=1)
    await asked(api, world, resident, "two", kind="BED")
    assert titles(await api.ask(REPAIRS, resident)) == titles(await api.ask(REPAIRS, staff)) == ["two", "one"]
    assert titles(await api.ask(REPAIRS, neighbour)) == titles(await api.ask(REPAIRS, worker)) == []
    assert (await api.ask(REPAIRS, police)).codes == ["NOT_FOUND"]
    assert (await api.ask(GRAB, resident, id=offer_of(mine))).codes == ["NOT_FOUND"]
    assert len((await api.ask(OFFERS, worker, skill="FURNITURE")).data["repairOffers"]["edges"]) == 1
    await api.ask(of("assignRepair"), staff, id=mine)
    area = global_id("Area", world.areas["a111"])
    assert titles(await api.ask(REPAIRS, worker, area=area)) == ["one"]
    (known,) = (await api.ask(WORKERS, staff)).data["repairWorkers"]["edges"]
    assert known["node"]["account"] == {"name": "service_worker a111"}
    assert titles(await api.ask(REPAIRS, staff, state="ASSIGNED")) == ["one"]


@pytest.mark.parametrize(("name", "state"), [("cancelRepair", "CANCELLED"), ("rejectRepair", "REJECTED")])
async def test_the_office_ends_what_is_not_begun(api: Api, world: World, name: str, state: str) -> None:
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    repair = await asked(api, world, staff, "for a resident")
    assert (await api.ask(of(name), staff, id=repair)).data[name]["state"] == state
    again = await api.ask(of(name), staff, id=repair, language="zh-CN")
    assert (again.codes, again.errors[0]["message"]) == (["REPAIR_NOT_SO_FAR"], "报修单当前状态不允许此操作")


async def test_given_to_one_by_name_and_given_back(api: Api, world: World) -> None:
    staff, worker = await world.with_role(Role.PROPERTY_STAFF, "a111"), await repairer(api, world, "APPLIANCE")
    repair = await asked(api, world, staff)
    (known,) = (await api.ask(WORKERS, worker)).data["repairWorkers"]["edges"]
    assert (await api.ask(of("assignRepair"), staff, id=repair, worker=known["node"]["id"])).errors == []
    back = 'mutation($id: ID!) { releaseRepair(request: $id, reason: "没有配件") }'
    assert (await api.ask(back, worker, id=repair)).data == {"releaseRepair": True}
    assert (await api.ask(back, worker, id=repair)).codes == ["NOT_FOUND"]
    gas = await repairer(api, world, "GAS")
    assert (await api.ask(GRAB, gas, id=offer_of(repair))).codes == ["SKILL_MISSING"]
    late = await api.ask(GRAB, worker, id=offer_of(repair))
    assert late.data["grabRepair"]["state"] == "ASSIGNED"
    assert (await api.ask(GRAB, worker, id=offer_of(repair))).codes == ["NOT_FOUND"]


async def test_what_is_late_is_shown(api: Api, world: World, clock: Clock) -> None:
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    await asked(api, world, staff, "slow")
    clock.advance(hours=3)
    async with world.database.unit_of_work(world.everywhere) as uow:
        assert await sweep_late(uow, limit=5) == 1
    fresh = await world.with_role(Role.PROPERTY_STAFF, "a111")
    assert titles(await api.ask(REPAIRS, fresh, late=True)) == ["slow"]
    steps = "{ applications { edges { node { steps { state note } } } } }"
    (application,) = (await api.ask(steps, fresh)).data["applications"]["edges"]
    assert [step["state"] for step in application["node"]["steps"]] == ["SUBMITTED", "SUBMITTED"]
    shown = "{ repairs { edges { node { late } } } }"
    assert (await api.ask(shown, fresh)).data["repairs"]["edges"][0]["node"]["late"] == "ACCEPT"


async def test_half_a_window_is_none(api: Api, world: World, clock: Clock) -> None:
    resident = await world.living_in("a111/1")
    given = {"home": global_id("Home", world.homes["a111/1"]), "kind": "BED", "title": "x"}
    half = await api.ask(REQUEST, resident, input=given | {"windowFrom": (clock() + timedelta(hours=1)).isoformat()})
    assert half.codes == ["INVALID_WINDOW"]
