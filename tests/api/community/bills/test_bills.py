"""Bills over the API: what the office sets up and issues, and what each resident then sees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.nodes import global_id
from domain.kernel.actor import HomeRole, Role, Trust
from tests.factories.api import Answer, Api
from tests.factories.clock import Clock
from tests.factories.world import Person, World

BILL = """id kind status title amountFen totalFen payableFen lateFeeFen charge home { door }
  lines { title amountFen quantity rate }"""
BILLS = f"""query($home: ID, $compound: ID, $kind: BillKind, $period: String, $status: BillStatus) {{
  bills(home: $home, compound: $compound, kind: $kind, period: $period, status: $status) {{
    edges {{ node {{ {BILL} }} }} }} }}"""
RULE = "mutation($input: CreateFeeRuleInput!) { createFeeRule(input: $input) { id title tiers { upTo rate } } }"
AREA = 'mutation($home: ID!) { setFeeArea(home: $home, squareMetres: "89.5") { squareMetres home { door } } }'
PUBLISH = """mutation($compound: ID!, $dry: Boolean!) {
  publishBills(compound: $compound, period: "2026-10", dryRun: $dry) {
    dryRun bills known amountYuan missingCount missing { code home { door } rule { title } } } }"""
CORRECT = f"""mutation($id: ID!, $lines: [BillLineInput!]!) {{
  correctBill(id: $id, lines: $lines, reason: "x") {{ {BILL} reason corrects {{ status }} }} }}"""
WRITE_OFF = 'mutation($id: ID!) { writeOffBill(id: $id, reason: "空置") { status reason totalFen payableFen } }'
DEPOSIT = "mutation($home: ID!, $fen: Int!) { depositPrepaid(home: $home, amountFen: $fen) { balanceFen } }"
ACCOUNT = """mutation($home: ID!, $number: String!) {
  registerBillAccount(home: $home, kind: WATER, number: $number, institution: "示例水务") { id number } }"""
ACCOUNTS = "{ billAccounts { edges { node { number institution kind } } } }"
RULES = "{ feeRules { edges { node { title basis unit tiers { rate } } } } }"
METER = 'mutation($home: ID!) { registerMeter(home: $home, kind: WATER, name: "厨房") { id } }'
READ = """mutation($meter: ID!, $value: String!, $on: Date) {
  submitMeterReading(meter: $meter, value: $value, readOn: $on) { id value state meter { name } } }"""
JUDGE = "mutation($id: ID!, $good: Boolean!) { judgeMeterReading(id: $id, good: $good) { state } }"
PAY_OUT = """mutation($id: ID!, $fen: Int!, $note: String!) {
  payOutPrepaid(balance: $id, amountFen: $fen, note: $note) { balanceFen } }"""
BALANCES = "{ prepaidBalances { edges { node { balanceFen home { door } } } } }"


def nodes(answer: Answer) -> list[dict[str, Any]]:
    (connection,) = answer.data.values()
    return [edge["node"] for edge in connection["edges"]]


class Office:
    """The manager of a111, who has published October."""

    def __init__(self, api: Api, world: World, manager: Person) -> None:
        self.api, self.world, self.manager = api, world, manager

    def home(self, name: str = "a111/1") -> str:
        return global_id("Home", self.world.homes[name])

    async def ask(self, operation: str, **variables: Any) -> Answer:
        return await self.api.ask(operation, self.manager, **variables)

    async def publish(self, *, dry: bool = False) -> Any:
        compound = global_id("Area", self.world.areas["a111"])
        return (await self.ask(PUBLISH, compound=compound, dry=dry)).data["publishBills"]


@pytest.fixture
async def office(api: Api, world: World) -> Office:
    made = Office(api, world, await world.with_role(Role.PROPERTY_MANAGER, "a111"))
    rule = {"compound": global_id("Area", world.areas["a111"]), "kind": "PROPERTY", "title": "物业费", "basis": "AREA"}
    rule |= {"unit": "平方米·月", "rate": "1.85", "startsOn": "2026-01-01", "lateDaily": 500, "lateCap": 100_000}
    told = (await made.ask(RULE, input=rule)).data["createFeeRule"]
    assert (told["title"], told["tiers"]) == ("物业费", [{"upTo": None, "rate": "1.85"}])
    assert (await made.ask(AREA, home=made.home())).data["setFeeArea"] == {
        "squareMetres": "89.5",
        "home": {"door": "1"},
    }
    return made


async def test_a_period_is_shown_first_and_then_issued(office: Office) -> None:
    expected = {
        "dryRun": True, "bills": 1, "known": 0, "amountYuan": "165.58", "missingCount": 1,
        "missing": [{"code": "NO_AREA", "home": {"door": "2"}, "rule": {"title": "物业费"}}],
    }  # fmt: skip
    assert await office.publish(dry=True) == expected
    assert nodes(await office.ask(BILLS)) == []
    assert await office.publish() == expected | {"dryRun": False}
    assert await office.publish() == expected | {"dryRun": False, "bills": 0, "known": 1, "amountYuan": "0.00"}
    (bill,) = nodes(await office.ask(BILLS))
    line = {"title": "物业费", "amountFen": 16_558, "quantity": "89.5", "rate": "1.85"}
    assert (bill["lines"], bill["status"], bill["payableFen"]) == ([line], "OPEN", 16_558)


async def test_only_verified_residents_of_the_home_see_its_bills(office: Office, world: World) -> None:
    await office.publish()
    await office.ask(DEPOSIT, home=office.home(), fen=500)
    seen = {
        "owner": (await world.living_in("a111/1"), 1),
        "verified tenant": (await world.living_in("a111/1", HomeRole.TENANT), 1),
        "unverified": (await world.living_in("a111/1", HomeRole.MEMBER, Trust.PHONE), 0),
        "neighbour": (await world.living_in("a111/2"), 0),
        "stranger": (await world.living_in("b111/1"), 0),
    }
    (bill,) = nodes(await office.ask(BILLS))
    for name, (person, expected) in seen.items():
        assert len(nodes(await office.api.ask(BILLS, person))) == expected, name
        assert len(nodes(await office.api.ask(BALANCES, person))) == expected, name
        answer = await office.api.ask("query($id: ID!) { node(id: $id) { id } }", person, id=bill["id"])
        assert answer.codes == ([] if expected else ["NOT_FOUND"]), name
        rules = nodes(await office.api.ask(RULES, person))
        assert len(rules) == (name != "stranger"), name  # what is charged is no secret among neighbours
    for role, area in ((Role.COMMUNITY_POLICE, "a11"), (Role.SERVICE_WORKER, "a111"), (Role.COUNTY_OPERATOR, "a")):
        assert (await office.api.ask(BILLS, await world.with_role(role, area))).codes == ["NOT_FOUND"]


async def test_an_owner_of_two_homes_sees_each_where_they_are_verified(office: Office, world: World) -> None:
    await office.ask(AREA, home=office.home("a111/2"))
    await office.publish()
    owner = await world.living_in("a111/1")
    await world.living_in("a111/2", HomeRole.TENANT, Trust.PHONE, owner)
    assert [bill["home"]["door"] for bill in nodes(await office.api.ask(BILLS, owner))] == ["1"]


async def test_bills_are_narrowed_by_home_kind_period_and_status(office: Office) -> None:
    await office.ask(AREA, home=office.home("a111/2"))
    await office.publish()
    for narrow, expected in (
        ({"home": office.home()}, 1),
        ({"home": office.home("b111/1")}, 0),
        ({"compound": global_id("Area", office.world.areas["a111"])}, 2),
        ({"kind": "WATER"}, 0),
        ({"period": "2026年10月"}, 2),
        ({"period": "2026-09"}, 0),
        ({"status": "OPEN"}, 2),
        ({"status": "PAID"}, 0),
    ):
        assert len(nodes(await office.ask(BILLS, **narrow))) == expected, narrow
    assert (await office.ask(BILLS, period="October")).codes == ["INVALID_PERIOD"]


async def test_a_bill_is_corrected_and_another_written_off(office: Office) -> None:
    await office.publish()
    (bill,) = nodes(await office.ask(BILLS))
    lines = [{"title": "物业费", "amountFen": 16_558}, {"title": "空置减免", "amountFen": -8_279}]
    made = (await office.ask(CORRECT, id=bill["id"], lines=lines)).data["correctBill"]
    assert (made["payableFen"], made["corrects"]) == (8_279, {"status": "REPLACED"})
    assert (await office.ask(CORRECT, id=bill["id"], lines=lines)).codes == ["BILL_CLOSED"]
    done = await office.ask(WRITE_OFF, id=made["id"])
    assert done.data["writeOffBill"] == {
        "status": "WRITTEN_OFF", "reason": "空置", "totalFen": 8_279, "payableFen": 0,
    }  # fmt: skip
    staff = await office.world.with_role(Role.PROPERTY_STAFF, "a111")
    assert (await office.api.ask(WRITE_OFF, staff, id=made["id"])).codes == ["NOT_FOUND"]


async def test_an_account_number_is_one_homes_and_sealed(office: Office) -> None:
    made = await office.ask(ACCOUNT, home=office.home(), number="3301-0020 0300")
    assert made.data["registerBillAccount"]["number"] == "330100200300"
    assert (await office.ask(ACCOUNT, home=office.home("a111/2"), number="330100200300")).codes == ["ACCOUNT_IN_USE"]
    assert (await office.ask(ACCOUNT, home=office.home(), number="12")).codes == ["INVALID_ACCOUNT_NUMBER"]
    resident = await office.world.living_in("a111/1")
    (seen,) = nodes(await office.api.ask(ACCOUNTS, resident))
    assert seen == {"number": "330100200300", "institution": "示例水务", "kind": "WATER"}
    end = "mutation($id: ID!) { endBillAccount(id: $id) { endedAt } }"
    account = made.data["registerBillAccount"]["id"]
    assert (await office.ask(end, id=account)).errors == []
    assert (await office.ask(end, id=account)).codes == ["ALREADY_ENDED"]
    assert (await office.ask(ACCOUNT, home=office.home("a111/2"), number="330100200300")).errors == []


async def test_a_reading_that_jumps_waits_until_somebody_looked(office: Office, clock: Clock) -> None:
    meter = (await office.ask(METER, home=office.home())).data["registerMeter"]["id"]
    for days, value in ((40, "100"), (30, "103"), (20, "106")):
        on = (clock() - timedelta(days=days)).date().isoformat()
        read = (await office.ask(READ, meter=meter, value=value, on=on)).data["submitMeterReading"]
        assert (read["state"], read["meter"]) == ("ACCEPTED", {"name": "厨房"})
    on = (clock() - timedelta(days=10)).date().isoformat()
    waits = (await office.ask(READ, meter=meter, value="160.5", on=on)).data["submitMeterReading"]
    assert (waits["state"], waits["value"]) == ("TO_CONFIRM", "160.5")
    assert (await office.ask(JUDGE, id=waits["id"], good=True)).data["judgeMeterReading"] == {"state": "ACCEPTED"}
    assert (await office.ask(JUDGE, id=waits["id"], good=False)).codes == ["READING_JUDGED"]
    refused = await office.api.ask(READ, office.manager, language="zh-CN", meter=meter, value="160")
    assert (refused.codes, refused.errors[0]["message"][:11]) == (["READING_BELOW_LAST"], "读数低于上次读数 160.5"[:11])
    assert (await office.ask(READ, meter=meter, value="200,5")).codes == ["INVALID_NUMBER"]
    assert (await office.ask("mutation($id: ID!) { endMeter(id: $id) { endedAt } }", id=meter)).errors == []
    assert (await office.ask(READ, meter=meter, value="300")).codes == ["ALREADY_ENDED"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rate": "0"}, "INVALID_FEE_RULE"),
        ({"rate": "1.234567"}, "INVALID_NUMBER"),
        ({"periodMonths": 5}, "INVALID_FEE_RULE"),
        ({"basis": "METER"}, "INVALID_FEE_RULE"),
        ({"tiers": [{"upTo": "10", "rate": "1"}]}, "INVALID_FEE_RULE"),
        ({"basis": "METER", "kind": "GAS", "tiers": [{"upTo": "0", "rate": "1"}]}, "INVALID_TIERS"),
        ({"lateDaily": 20_000}, "INVALID_FEE_RULE"),
        ({"title": ""}, "INVALID_TEXT"),
    ],
)
async def test_rules_out_of_bounds_are_refused(office: Office, change: dict[str, Any], code: str) -> None:
    rule = {
        "compound": global_id("Area", office.world.areas["a111"]),
        "kind": "PROPERTY",
        "title": "x",
        "basis": "HOME",
    }
    rule |= {"unit": "户·月", "rate": "10", "startsOn": "2026-01-01"}
    assert (await office.ask(RULE, input=rule | change)).codes == [code]


async def test_a_rule_that_ended_makes_no_more_bills(office: Office) -> None:
    (rule,) = nodes(await office.ask("{ feeRules { edges { node { id } } } }"))
    end = "mutation($id: ID!) { endFeeRule(id: $id) { endedAt } }"
    assert (await office.ask(end, id=rule["id"])).errors == []
    assert (await office.ask(end, id=rule["id"])).codes == ["ALREADY_ENDED"]
    assert (await office.publish(dry=True))["bills"] == 0


async def test_deposits_within_bounds(office: Office) -> None:
    assert (await office.ask(DEPOSIT, home=office.home(), fen=500)).data["depositPrepaid"] == {"balanceFen": 500}
    assert (await office.ask(DEPOSIT, home=office.home(), fen=250)).data["depositPrepaid"] == {"balanceFen": 750}
    for fen in (0, -5, 100_000_001):
        assert (await office.ask(DEPOSIT, home=office.home(), fen=fen)).codes == ["INVALID_DEPOSIT"]


async def test_what_was_paid_ahead_is_paid_back(office: Office) -> None:
    await office.ask(DEPOSIT, home=office.home(), fen=500)
    (balance,) = nodes(await office.ask("{ prepaidBalances { edges { node { id } } } }"))

    async def back(fen: int, note: str = "退房退还") -> Answer:
        return await office.ask(PAY_OUT, id=balance["id"], fen=fen, note=note)

    assert (await back(200)).data["payOutPrepaid"] == {"balanceFen": 300}
    assert (await back(301)).codes == ["PREPAID_TOO_LITTLE"]
    assert (await back(0)).codes == ["INVALID_DEPOSIT"]
    assert (await back(1, "")).codes == ["INVALID_TEXT"]


async def test_a_reading_says_whose_it_is(office: Office) -> None:
    meter = (await office.ask(METER, home=office.home())).data["registerMeter"]["id"]
    told = """mutation($meter: ID!, $value: String!, $who: ReadingSource!) {
      submitMeterReading(meter: $meter, value: $value, readBy: $who) { id } }"""
    assert (await office.ask(told, meter=meter, value="7", who="VENDOR")).errors == []
    assert nodes(await office.ask("{ meterReadings { edges { node { value source } } } }")) == [
        {"value": "7", "source": "VENDOR"}
    ]
