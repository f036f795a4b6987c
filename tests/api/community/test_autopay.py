"""autopays, autopayPlans and the mutations of auto-pay over the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg
import pytest

from api.community.payments.intake import NoticeIntake
from api.nodes import global_id
from domain.community.payments.ports import Vendor
from domain.kernel.actor import HomeRole, Role, Trust
from domain.kernel.uow import Database
from tests.factories.agreements import FakeAgreements
from tests.factories.api import Api
from tests.factories.autopay import Purse
from tests.factories.clock import Clock
from tests.factories.till import Till
from tests.factories.world import World

SIGN = """mutation($home: ID!, $limit: Int! = 20000, $kinds: [ChargeKind!]! = [PROPERTY],
  $vendor: PaymentVendor! = ALIPAY) {
  signAutopay(home: $home, kinds: $kinds, limitFen: $limit, monthlyLimitFen: 50000, vendor: $vendor) {
  url parameters autopay { id state kinds limitFen monthlyLimitFen vendor mine home { door } } } }"""
LIST = "query($home: ID) { autopays(home: $home) { edges { node { id state mine endedBecause signedAt } } } }"
CHANGE = """mutation($id: ID!) { changeAutopay(
  id: $id, kinds: [WATER, BOOKING, GAS, WATER], limitFen: 1, monthlyLimitFen: 2
) { kinds limitFen monthlyLimitFen } }"""
PLANS = """query($home: ID, $state: AutopayPlanState) { autopayPlans(home: $home, state: $state) { edges { node {
  id amountFen takeAt toldAt state why tries charge { id title kind } home { door } } } } }"""
SKIP = "mutation($id: ID!) { skipAutopay(id: $id) { state charge { state } } }"
ORDERS = "{ paymentOrders { edges { node { id } } } }"
PAY = """mutation($order: ID!, $channel: PaymentChannel!) { payOrder(order: $order, channel: $channel) {
  url order { attempts { state } } } }"""
ACT = "mutation($id: ID!) {{ {act}Autopay(id: $id) {{ state endedBecause }} }}"


@pytest.fixture
def till(world: World, clocked: Database, superuser: asyncpg.Connection) -> Till:
    return Till(world, clocked, superuser)


@pytest.fixture
def agreed(till: Till) -> FakeAgreements:
    return FakeAgreements(till.vendors[Vendor.ALIPAY])


@pytest.fixture
def api(api: Api, agreed: FakeAgreements) -> Api:
    return Api(replace(api.services, agreements={Vendor.ALIPAY: agreed}), api.world)


async def test_a_resident_signs_changes_pauses_and_ends(api: Api, till: Till, agreed: FakeAgreements) -> None:
    resident = await api.world.living_in("a111/1")
    home = global_id("Home", api.world.homes["a111/1"])
    launch = (await api.ask(SIGN, resident, home=home)).data["signAutopay"]
    asked = launch["autopay"]
    assert (asked["state"], asked["kinds"], asked["limitFen"], asked["monthlyLimitFen"], asked["mine"]) == (
        "PENDING", ["PROPERTY"], 20000, 50000, True,
    )  # fmt: skip
    number = launch["url"].rpartition("/")[2]
    assert launch["parameters"] == {"app": f"app://{number}"}
    intake = NoticeIntake(till.database)
    assert [await intake.take(agreed.agree(number)) for _ in range(2)] == ["signed", "known"]
    (seen,) = (await api.ask(LIST, resident, home=home)).data["autopays"]["edges"]
    assert seen["node"]["state"] == "ACTIVE"
    assert datetime.fromisoformat(seen["node"]["signedAt"]) == till.database.clock()
    changed = (await api.ask(CHANGE, resident, id=asked["id"])).data["changeAutopay"]
    assert changed == {"kinds": ["BOOKING", "GAS", "WATER"], "limitFen": 1, "monthlyLimitFen": 2}
    for act, state in (("pause", "PAUSED"), ("resume", "ACTIVE"), ("end", "ENDED")):
        answer = await api.ask(ACT.format(act=act), resident, id=asked["id"])
        assert answer.data[f"{act}Autopay"]["state"] == state
    assert (await api.ask(ACT.format(act="end"), resident, id=asked["id"])).codes == ["AUTOPAY_OVER"]
    again = (await api.ask(SIGN, resident, home=home)).data["signAutopay"]["autopay"]
    assert again["id"] != asked["id"]
    assert await intake.take(agreed.leave(number)) == "known"


async def test_what_is_not_offered_or_not_in_order(api: Api) -> None:
    resident = await api.world.living_in("a111/1")
    home = global_id("Home", api.world.homes["a111/1"])
    assert (await api.ask(SIGN, resident, home=home, vendor="WECHAT")).codes == ["AUTOPAY_NOT_OFFERED"]
    assert (await api.ask(SIGN, resident, home=home, limit=50001)).codes == ["INVALID_LIMIT"]
    assert (await api.ask(SIGN, resident, home=home, limit=0)).codes == ["INVALID_LIMIT"]
    assert (await api.ask(SIGN, resident, home=home, kinds=[])).codes == ["NO_KINDS"]
    assert (await api.ask(LIST, resident)).data["autopays"]["edges"] == []


async def test_nobody_but_verified_residents_knows_of_it(api: Api) -> None:
    world, home = api.world, global_id("Home", api.world.homes["a111/1"])
    owner = await world.living_in("a111/1")
    signed = (await api.ask(SIGN, owner, home=home)).data["signAutopay"]["autopay"]
    unverified = await world.living_in("a111/1", HomeRole.TENANT, Trust.PHONE)
    neighbour, member = await world.living_in("a111/2"), await world.living_in("a111/1", HomeRole.MEMBER)
    assert (await api.ask(SIGN, unverified, home=home)).codes == ["FORBIDDEN"]
    assert (await api.ask(SIGN, neighbour, home=home)).codes == ["NOT_FOUND"]
    assert (await api.ask(SIGN, member, home=home)).codes == ["AUTOPAY_EXISTS"]
    for person in (unverified, neighbour):
        assert (await api.ask(LIST, person)).data["autopays"]["edges"] == []
        assert (await api.ask(ACT.format(act="end"), person, id=signed["id"])).codes == ["NOT_FOUND"]
    assert (await api.ask(LIST, neighbour, home=home)).codes == ["NOT_FOUND"]
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    assert (await api.ask(LIST, manager)).codes == ["NOT_FOUND"]
    (seen,) = (await api.ask(LIST, member)).data["autopays"]["edges"]
    assert seen["node"]["mine"] is False
    assert (await api.ask(CHANGE, member, id=signed["id"])).codes == ["FORBIDDEN"]


async def test_what_will_be_taken_is_shown_and_skipped(api: Api, till: Till, clock: Clock) -> None:
    purse = await Purse(till, clock).sign()
    charges = await purse.bills(100, 200)
    await purse.plan()
    member, neighbour = (
        await api.world.living_in("a111/1", HomeRole.MEMBER),
        await api.world.living_in("a111/2"),
    )
    home = global_id("Home", api.world.homes["a111/1"])
    seen = [edge["node"] for edge in (await api.ask(PLANS, member, home=home)).data["autopayPlans"]["edges"]]
    assert [(each["amountFen"], each["state"], each["why"], each["charge"]["id"]) for each in seen] == [
        (200, "PLANNED", None, global_id("Charge", charges[1])),
        (100, "PLANNED", None, global_id("Charge", charges[0])),
    ]  # fmt: skip
    assert datetime.fromisoformat(seen[0]["takeAt"]) - datetime.fromisoformat(seen[0]["toldAt"]) >= timedelta(days=1)
    assert (await api.ask(PLANS, neighbour)).data["autopayPlans"]["edges"] == []
    assert (await api.ask(PLANS, neighbour, home=home)).codes == ["NOT_FOUND"]
    assert (await api.ask(SKIP, neighbour, id=seen[0]["id"])).codes == ["NOT_FOUND"]
    skipped = (await api.ask(SKIP, member, id=seen[0]["id"])).data["skipAutopay"]
    assert skipped == {"state": "SKIPPED", "charge": {"state": "OPEN"}}
    assert (await api.ask(SKIP, member, id=seen[0]["id"])).codes == ["AUTOPAY_OVER"]
    await purse.ten_o_clock(days=2)
    assert purse.taken() == [100]
    later = Api(api.services, api.world)  # tokens are over
    paid = (await later.ask(PLANS, member, state="PAID")).data["autopayPlans"]["edges"]
    assert [edge["node"]["amountFen"] for edge in paid] == [100]


async def test_a_payment_that_is_being_taken_may_be_made_otherwise(api: Api, till: Till, clock: Clock) -> None:
    """Nobody has heard of the deduction yet: the resident pays by a code, and nothing is paid twice."""
    purse = await Purse(till, clock).sign()
    await purse.bills(100)
    await purse.plan()
    purse.clock.advance(days=2)
    purse.agreed.lost_before = 1  # at the agreement's number: nothing is taken
    await purse.take()
    member = await api.world.living_in("a111/1", HomeRole.MEMBER)
    paying = Api(replace(api.services, payments=dict(till.vendors)), api.world)
    (order,) = (await paying.ask(ORDERS, member)).data["paymentOrders"]["edges"]
    refused = await paying.ask(PAY, member, order=order["node"]["id"], channel="ALIPAY_WITHHOLD")
    assert refused.codes == ["CHANNEL_NOT_OFFERED"]
    told = (await paying.ask(PAY, member, order=order["node"]["id"], channel="WECHAT_NATIVE")).data["payOrder"]
    assert [each["state"] for each in told["order"]["attempts"]] == ["CLOSED", "OPEN"]
    await till.take(till.vendors[Vendor.WECHAT].pay(told["url"].rpartition("/")[2]))
    await purse.settle()
    assert await purse.states() == [("paid", None)]
    await till.sound()
