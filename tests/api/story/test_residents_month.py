"""A resident's month over the public API: bill, payment by QR code, receipt, repair, what is for dinner, cleaning."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.nodes import global_id
from domain.community.prices.rules import today_in
from domain.kernel.actor import Role
from tests.api.devices.test_pictures import jpeg
from tests.api.story.town import Phone, Town, town
from tests.factories.api import schema
from tests.factories.ingest import plain_logs

FEE_RULE = "mutation($input: CreateFeeRuleInput!) { createFeeRule(input: $input) { id } }"
AREA = 'mutation($home: ID!) { setFeeArea(home: $home, squareMetres: "89.5") { squareMetres } }'
PUBLISH = """mutation($compound: ID!, $period: String!, $dry: Boolean!) {
  publishBills(compound: $compound, period: $period, dryRun: $dry) { bills amountYuan } }"""
BILLS = """{ bills { edges { node {
  id kind status title totalFen payableFen charge home { door } lines { title amountFen } } } } }"""
ORDER = "mutation($charges: [ID!]!) { createOrder(charges: $charges) { id amountFen state } }"
PAY = """mutation($order: ID!, $channel: PaymentChannel!) {
  payOrder(order: $order, channel: $channel) { url order { state } } }"""
RECEIPTS = (
    "{ receipts { edges { node { number amountFen order { title state charges { title state } } home { door } } } } }"
)
RECORD = "mutation($input: RecordPriceInput!) { recordPrice(input: $input) { fenPerJin } }"
TODAY = """query($name: String) { todayPrices(name: $name) { edges { node {
  name fenPerJin market { id name staleSince } dayBefore { fen changeFen } } } } }"""
WAIT = """mutation($market: ID!) {
  createPriceAlert(market: $market, name: "大白菜", belowFen: 100) { id toldOn } }"""
GRANT = "{ roleGrants { edges { node { id role } } } }"
SKILLS = "mutation($grant: ID!) { setRepairSkills(grant: $grant, skills: [APPLIANCE]) { skills } }"
REQUEST = "mutation($input: RequestRepairInput!) { requestRepair(input: $input) { id state pictures { url label } } }"
OFFERS = "{ repairOffers { edges { node { id kind building { name } } } } }"
GRAB = "mutation($offer: ID!) { grabRepair(offer: $offer) { id state address home { door } pictures { url label } } }"
QUOTE = """mutation($id: ID!, $items: [RepairItemInput!]!) {
  quoteRepair(request: $id, items: $items) { state quotations { totalFen } } }"""
ANSWER = "mutation($id: ID!) { answerQuotation(request: $id, accept: true) { state priceFen } }"
START = "mutation($id: ID!, $uploads: [ID!]) { startRepair(request: $id, uploads: $uploads) { state } }"
FINISH = "mutation($id: ID!, $uploads: [ID!]) { finishRepair(request: $id, uploads: $uploads) { state priceFen } }"
REPAIR = "{ repairs { edges { node { state charge paidAt pictures { url label } } } } }"
RATE_REPAIR = 'mutation($id: ID!) { rateRepair(request: $id, stars: 5, text: "修得很快") { stars } }'
PROVIDER = "mutation($input: AddHousekeepingProviderInput!) { addHousekeepingProvider(input: $input) { id } }"
SERVICE = "mutation($input: AddHousekeepingServiceInput!) { addHousekeepingService(input: $input) { id } }"
WORKER = """mutation($provider: ID!, $phone: String!) {
  addHousekeepingWorker(provider: $provider, phone: $phone, name: "示例师傅") { id } }"""
HOURS = "mutation($input: SetHousekeepingHoursInput!) { setHousekeepingHours(input: $input) { id } }"
OFFERED = "{ housekeepingProviders { edges { node { services { id name priceFen } } } } }"
FREE = """query($id: ID!) { node(id: $id) {
  ... on HousekeepingService { slots(days: 3) { startsAt workers { name } } } } }"""
BOOK = """mutation($input: BookHousekeepingInput!) { bookHousekeeping(input: $input) { __typename
  ... on HousekeepingBooked { bookings { id state startsAt endsAt priceFen chargeId } } } }"""
VISITS = "{ housekeepingBookings { edges { node { id state address home { door } } } } }"
CHECK_IN = "mutation($id: ID!) { checkInHousekeeping(id: $id) { state } }"
CHECK_OUT = "mutation($id: ID!) { checkOutHousekeeping(id: $id) { state priceFen } }"
RATE_VISIT = 'mutation($id: ID!) { rateHousekeeping(id: $id, stars: 5, review: "很干净") { stars } }'
APPLICATIONS = "{ applications { edges { node { kind state } } } }"


@pytest.fixture
async def here(
    database_url: str, open_folder: Path, superuser: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Town]:
    monkeypatch.setattr("api.app.build_schema", schema)  # once for all tests
    with plain_logs():
        async with town(database_url, open_folder, superuser) as made:
            yield made


async def pay(who: Phone, town: Town, charge: str, channel: str) -> int:
    """Pay a charge by scanning the vendor's QR code; the fen that were paid."""
    order = await who.ask(ORDER, charges=[charge])
    told = await who.ask(PAY, order=order["id"], channel=channel)
    assert told["order"]["state"] == "OPEN"
    await town.scan_and_pay(told["url"])
    return int(order["amountFen"])


async def test_a_residents_month(here: Town) -> None:
    world = here.ingest.world
    office = await here.phone(await world.with_role(Role.PROPERTY_MANAGER, "a111"))
    resident = await here.phone(await world.living_in("a111/1"))
    neighbour = await here.phone(await world.living_in("a111/2"))
    await the_bill(here, office, resident, neighbour)
    await the_repair(here, office, resident, neighbour)
    await dinner(here, office, resident)
    await the_cleaning(here, office, resident)


async def the_bill(here: Town, office: Phone, resident: Phone, neighbour: Phone) -> None:
    """The office issues last month's bill; the resident, and nobody else, sees it, pays it and has a receipt."""
    world = here.ingest.world
    compound, home = global_id("Area", world.areas["a111"]), global_id("Home", world.homes["a111/1"])
    today = today_in("Asia/Shanghai", here.ingest.services.database.clock())
    last_month = today.replace(day=1) - timedelta(days=1)
    rule = {"compound": compound, "kind": "PROPERTY", "title": "物业费", "basis": "AREA", "unit": "平方米·月"}
    await office.ask(FEE_RULE, input=rule | {"rate": "1.85", "startsOn": f"{last_month:%Y}-01-01"})
    await office.ask(AREA, home=home)
    period: dict[str, Any] = {"compound": compound, "period": f"{last_month:%Y-%m}"}
    for dry in (True, False):
        assert await office.ask(PUBLISH, dry=dry, **period) == {"bills": 1, "amountYuan": "165.58"}
    (bill,) = await resident.list(BILLS)
    assert (bill["payableFen"], bill["home"], bill["lines"][0]["amountFen"]) == (16558, {"door": "1"}, 16558)
    assert await neighbour.list(BILLS) == []
    assert await pay(resident, here, bill["charge"], "WECHAT_NATIVE") == 16558
    (paid,) = await resident.list(BILLS)
    assert (paid["status"], paid["totalFen"], paid["payableFen"]) == ("PAID", 16558, 0)
    (receipt,) = await resident.list(RECEIPTS)
    assert (receipt["number"], receipt["amountFen"], receipt["order"]["state"]) == (1, 16558, "PAID")
    assert await neighbour.list(RECEIPTS) == []


async def the_repair(here: Town, office: Phone, resident: Phone, neighbour: Phone) -> None:
    """The refrigerator does not cool: a picture, a worker who comes, a quotation, the payment and the stars."""
    world = here.ingest.world
    person = await world.with_role(Role.SERVICE_WORKER, "a111")
    worker = await here.phone(person)
    grant = next(each["id"] for each in await office.list(GRANT) if each["role"] == "SERVICE_WORKER")
    await office.ask(SKILLS, grant=grant)
    given = {"home": global_id("Home", world.homes["a111/1"]), "kind": "REFRIGERATOR", "title": "不制冷"}
    asked = await resident.ask(REQUEST, input=given | {"uploads": [await resident.send(jpeg())]})
    (picture,) = asked["pictures"]
    assert (await resident.fetch(picture["url"])).headers["content-type"] == "image/jpeg"
    assert (await neighbour.fetch(picture["url"])).status_code == 404
    (offer,) = await worker.list(OFFERS)
    repair = await worker.ask(GRAB, offer=offer["id"])
    assert (repair["id"], repair["home"]) == (asked["id"], None)  # where to go, not who lives there
    assert (await worker.fetch(repair["pictures"][0]["url"])).status_code == 200
    items = [{"kind": "PART", "name": "温控器", "unitFen": 3000}, {"kind": "LABOUR", "name": "上门", "unitFen": 5000}]
    quoted = await worker.ask(QUOTE, id=repair["id"], items=items)
    assert quoted["quotations"] == [{"totalFen": 8000}]
    assert (await resident.ask(ANSWER, id=repair["id"]))["state"] == "AGREED"
    await worker.ask(START, id=repair["id"], uploads=[await worker.send(jpeg(20))])
    assert (await worker.ask(FINISH, id=repair["id"], uploads=[await worker.send(jpeg(200))]))["priceFen"] == 8000
    await here.work()
    (done,) = await resident.list(REPAIR)
    assert [each["label"] for each in done["pictures"]] == ["problem", "before", "after"]
    assert (done["state"], done["paidAt"]) == ("DONE", None)
    assert await pay(resident, here, done["charge"], "WECHAT_NATIVE") == 8000
    (done,) = await resident.list(REPAIR)
    assert done["paidAt"] is not None
    assert (await resident.ask(RATE_REPAIR, id=repair["id"]))["stars"] == 5
    await here.work()
    assert {"kind": "REPAIR", "state": "HANDLED"} in await resident.list(APPLICATIONS)


async def dinner(here: Town, office: Phone, resident: Phone) -> None:
    """The resident looks at the price of cabbage in the compound's market, and is told when it falls."""
    compound = global_id("Area", here.ingest.world.areas["a111"])
    today = today_in("Asia/Shanghai", here.ingest.services.database.clock())

    async def costs(fen: int, ago: int = 0) -> None:
        day = (today - timedelta(days=ago)).isoformat()
        price = {"compound": compound, "day": day, "name": "大白菜", "averageFen": fen}
        assert await office.ask(RECORD, input=price) == {"fenPerJin": fen}

    await costs(130, ago=1)
    await costs(120)
    (cabbage,) = await resident.list(TODAY, name="白菜")
    assert (cabbage["fenPerJin"], cabbage["dayBefore"]) == (120, {"fen": 130, "changeFen": -10})
    assert cabbage["market"]["staleSince"] is None
    assert (await resident.ask(WAIT, market=cabbage["market"]["id"]))["toldOn"] is None
    await costs(98)
    await here.work()
    (push,) = [body for body in await here.heard(f"account:{resident.person.id}") if "大白菜" in body]
    assert push.startswith("大白菜降价了\n")


async def the_cleaning(here: Town, office: Phone, resident: Phone) -> None:
    """The resident books a cleaning at a free time and pays; the worker comes, and is rated when done."""
    world = here.ingest.world
    compound, home = global_id("Area", world.areas["a111"]), global_id("Home", world.homes["a111/1"])
    cleaner = await world.person()
    provider = (await office.ask(PROVIDER, input={"compound": compound, "name": "示例保洁"}))["id"]
    terms = {"name": "日常保洁", "unit": "VISIT", "priceFen": 10_000, "minutes": 120}
    await office.ask(SERVICE, input=terms | {"provider": provider})
    employed = (await office.ask(WORKER, provider=provider, phone=cleaner.phone))["id"]
    week = [{"weekday": day, "opens": 480, "closes": 1080} for day in range(1, 8)]
    await office.ask(HOURS, input={"worker": employed, "hours": week})
    (shown,) = await resident.list(OFFERED)
    (service,) = shown["services"]
    free = (await resident.ask(FREE, id=service["id"]))["slots"][-1]
    asked = {"home": home, "service": service["id"], "startsAt": free["startsAt"]}
    booked = await resident.ask(BOOK, input=asked)
    assert booked["__typename"] == "HousekeepingBooked"
    (visit,) = booked["bookings"]
    assert (visit["state"], visit["priceFen"]) == ("BOOKED", 10_000)
    assert (await resident.ask(BOOK, input=asked))["__typename"] == "HousekeepingSlotTaken"
    assert await pay(resident, here, visit["chargeId"], "ALIPAY_QR") == 10_000
    here.wait_until(datetime.fromisoformat(free["startsAt"]))
    worker, resident = await here.phone(cleaner), await here.phone(resident.person)
    (seen,) = await worker.list(VISITS)
    assert (seen["id"], seen["home"]) == (visit["id"], None)  # where to go, not who lives there
    assert (await worker.ask(CHECK_IN, id=visit["id"]))["state"] == "UNDER_WAY"
    assert (await worker.ask(CHECK_OUT, id=visit["id"])) == {"state": "DONE", "priceFen": 10_000}
    assert (await resident.ask(RATE_VISIT, id=visit["id"]))["stars"] == 5
    await here.work()
    assert {"kind": "HOUSEKEEPING", "state": "HANDLED"} in await resident.list(APPLICATIONS)
