"""charges, paymentOrders, receipts, createOrder, payOrder, cancelOrder, refundCharge, refunds, retryRefund,
settleRefundByHand over the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import asyncpg
import pytest

from api.nodes import global_id
from domain.community.payments.charges import refund_charge, report_difference
from domain.community.payments.ports import Channel, RefundState, Vendor
from domain.kernel.actor import HomeRole, Role, Trust
from domain.kernel.uow import Database
from tests.factories.api import Answer, Api
from tests.factories.clock import Clock
from tests.factories.till import Till
from tests.factories.world import Person, World
from workers.payments import look_at_refunds

CHARGES = """query($home: ID, $state: ChargeState, $first: Int, $after: String) {
  charges(home: $home, state: $state, first: $first, after: $after) {
    edges { node { id amountFen title state dueOn subject home { door } refunds { amountFen state reason } } }
    pageInfo { hasNextPage endCursor } } }"""
CREATE = """mutation($charges: [ID!]!) { createOrder(charges: $charges) {
  id amountFen title state expiresAt charges { id state } attempts { number } receipt { number } } }"""
PAY = """mutation($order: ID!, $channel: PaymentChannel!, $payer: String! = "") {
  payOrder(order: $order, channel: $channel, payer: $payer) {
    url parameters order { state attempts { channel number state credited } receipt { number amountFen } } } }"""
CANCEL = "mutation($id: ID!) { cancelOrder(id: $id) { state closedBecause charges { state } } }"
REFUND = """mutation($id: ID!, $fen: Int!) { refundCharge(id: $id, amountFen: $fen, reason: "多收退回") {
  refundingFen refundedFen refunds { amountFen state number } } }"""
RECEIPTS = "{ receipts { edges { node { number amountFen order { title charges { title } } home { door } } } } }"
ORDERS = "{ paymentOrders { edges { node { id state } } } }"


@pytest.fixture
def till(world: World, clocked: Database, superuser: asyncpg.Connection) -> Till:
    return Till(world, clocked, superuser)


@pytest.fixture
def api(api: Api, till: Till) -> Api:
    return Api(replace(api.services, payments=dict(till.vendors)), api.world)


def ids(charges: list[int]) -> list[str]:
    return [global_id("Charge", charge) for charge in charges]


def titles(answer: Answer, root: str = "charges") -> list[Any]:
    return [edge["node"]["amountFen"] for edge in answer.data[root]["edges"]]


async def ordered(api: Api, till: Till, resident: Person, *amounts: int) -> str:
    charges = await till.charges(*amounts)
    return str((await api.ask(CREATE, resident, charges=ids(charges))).data["createOrder"]["id"])


async def test_a_resident_pays_two_bills_at_once_and_gets_a_receipt(api: Api, till: Till, world: World) -> None:
    resident = await world.living_in("a111/1")
    charges = await till.charges(1200, 345)
    seen = await api.ask(CHARGES, resident)
    assert titles(seen) == [345, 1200], "newest first"
    made = (await api.ask(CREATE, resident, charges=ids(charges))).data["createOrder"]
    assert (made["amountFen"], made["state"], made["title"]) == (1545, "OPEN", "物业费 等 2 项")
    assert (made["charges"][0]["state"], made["attempts"], made["receipt"]) == ("HELD", [], None)
    told = (await api.ask(PAY, resident, order=made["id"], channel="WECHAT_NATIVE")).data["payOrder"]
    (tried,) = told["order"]["attempts"]
    assert (told["url"], tried["state"]) == (f"wechat://{tried['number']}", "OPEN")
    again = (await api.ask(PAY, resident, order=made["id"], channel="WECHAT_NATIVE")).data["payOrder"]
    assert (again["url"], len(again["order"]["attempts"])) == (told["url"], 1)
    vendor = till.vendors[Channel.WECHAT_NATIVE.vendor]
    assert await till.take(vendor.pay(tried["number"])) == ["credit"]
    (receipt,) = (await api.ask(RECEIPTS, resident)).data["receipts"]["edges"]
    assert (receipt["node"]["number"], receipt["node"]["amountFen"]) == (1, 1545)
    assert titles(await api.ask(CHARGES, resident, state="PAID")) == [345, 1200]
    assert titles(await api.ask(CHARGES, resident, state="OPEN")) == []
    await till.sound()


async def test_only_the_office_and_verified_residents_see_what_a_home_owes(api: Api, till: Till, world: World) -> None:
    await till.charges(100)
    await till.charges(200, home="a111/2")
    people = {
        "owner": await world.living_in("a111/1"),
        "unverified": await world.living_in("a111/1", HomeRole.TENANT, Trust.PHONE),
        "staff": await world.with_role(Role.PROPERTY_STAFF, "a111"),
        "elsewhere": await world.with_role(Role.PROPERTY_STAFF, "a112"),
    }
    shown = {name: titles(await api.ask(CHARGES, person)) for name, person in people.items()}
    assert shown == {"owner": [100], "unverified": [], "staff": [200, 100], "elsewhere": []}
    for role, area in ((Role.COMMUNITY_POLICE, "a11"), (Role.COUNTY_OPERATOR, "a")):
        assert (await api.ask(CHARGES, await world.with_role(role, area))).codes == ["NOT_FOUND"]
    home = global_id("Home", world.homes["a111/2"])
    assert titles(await api.ask(CHARGES, people["staff"], home=home)) == [200]
    assert (await api.ask(CHARGES, people["owner"], home=home)).codes == ["NOT_FOUND"]
    first = await api.ask(CHARGES, people["staff"], first=1)
    rest = await api.ask(CHARGES, people["staff"], after=first.data["charges"]["pageInfo"]["endCursor"])
    assert titles(first) + titles(rest) == [200, 100]


async def test_what_cannot_be_ordered(api: Api, till: Till, world: World) -> None:
    resident = await world.living_in("a111/1")
    await world.living_in("a112/1", person=resident)
    mine, other, foreign = [await till.charges(100, home=home) for home in ("a111/1", "a112/1", "b111/1")]

    async def codes(*charges: int) -> list[str]:
        return (await api.ask(CREATE, resident, charges=ids(list(charges)))).codes

    assert await codes() == ["TOO_MANY_CHARGES"]
    assert await codes(*mine, *foreign) == ["NOT_FOUND"]
    assert await codes(*mine, *other) == ["MIXED_HOMES"]
    assert await codes(*mine, *mine) == []
    assert await codes(*mine) == ["CHARGE_HELD"]
    assert await codes(*await till.charges(2_000_000_000, 1)) == ["INVALID_CHARGE"]
    await till.sound()


async def test_another_channel_closes_the_first(api: Api, till: Till, world: World) -> None:
    resident = await world.living_in("a111/1")
    order = await ordered(api, till, resident, 100)
    await api.ask(PAY, resident, order=order, channel="WECHAT_APP")
    told = (await api.ask(PAY, resident, order=order, channel="ALIPAY_QR")).data["payOrder"]
    assert [each["state"] for each in told["order"]["attempts"]] == ["CLOSED", "OPEN"]
    assert told["url"].startswith("alipay://")
    vendor = till.vendors[Channel.ALIPAY_QR.vendor]
    vendor.pay(told["order"]["attempts"][1]["number"])
    late = (await api.ask(PAY, resident, order=order, channel="WECHAT_APP")).data["payOrder"]
    assert (late["url"], late["parameters"], late["order"]["state"]) == (None, None, "PAID")
    assert late["order"]["receipt"] == {"number": 1, "amountFen": 100}
    await till.sound()


async def test_what_the_vendor_did_may_be_unknown_and_is_asked_for_first(api: Api, till: Till, world: World) -> None:
    resident, vendor = await world.living_in("a111/1"), till.vendors[Channel.WECHAT_APP.vendor]
    order = await ordered(api, till, resident, 100)
    vendor.lost_after = 1
    unknown = await api.ask(PAY, resident, order=order, channel="WECHAT_APP")
    assert (unknown.codes, unknown.errors[0]["extensions"]["kind"]) == (["PAYMENT_UNCERTAIN"], "unavailable")
    told = (await api.ask(PAY, resident, order=order, channel="WECHAT_APP")).data["payOrder"]
    assert (vendor.calls, len(told["order"]["attempts"])) == (["create", "query", "create"], 1)
    second = await ordered(api, till, resident, 50)
    vendor.lost_after = 1
    await api.ask(PAY, resident, order=second, channel="WECHAT_APP")
    vendor.pay(list(vendor.trades)[1])
    found = (await api.ask(PAY, resident, order=second, channel="WECHAT_APP")).data["payOrder"]
    assert (found["url"], found["order"]["state"]) == (None, "PAID")
    await till.sound()


async def test_a_refusal_is_told_and_another_attempt_may_follow(api: Api, till: Till, world: World) -> None:
    resident, vendor = await world.living_in("a111/1"), till.vendors[Channel.WECHAT_APP.vendor]
    order = await ordered(api, till, resident, 100)
    vendor.refusing = "NO_AUTH"
    refused = await api.ask(PAY, resident, order=order, channel="WECHAT_APP")
    assert (refused.codes, refused.errors[0]["message"]) == (
        ["PAYMENT_REFUSED"],
        "The payment provider refused (NO_AUTH)",
    )
    vendor.refusing = ""
    told = (await api.ask(PAY, resident, order=order, channel="WECHAT_APP")).data["payOrder"]
    assert [each["state"] for each in told["order"]["attempts"]] == ["REFUSED", "OPEN"]


async def test_channels_that_are_not_offered_or_need_to_know_who_pays(api: Api, till: Till, world: World) -> None:
    resident = await world.living_in("a111/1")
    order = await ordered(api, till, resident, 100)
    nobody = Api(replace(api.services, payments={}), world)
    assert (await nobody.ask(PAY, resident, order=order, channel="ALIPAY_APP")).codes == ["CHANNEL_NOT_OFFERED"]
    assert (await api.ask(PAY, resident, order=order, channel="WECHAT_JSAPI")).codes == ["PAYER_NEEDED"]
    told = await api.ask(PAY, resident, order=order, channel="WECHAT_JSAPI", payer="openid-1")
    assert told.data["payOrder"]["parameters"] == {"prepay_id": f"p-{next(iter(till.vendors[Vendor.WECHAT].trades))}"}


async def test_a_cancelled_or_late_order_cannot_be_paid(api: Api, till: Till, world: World, clock: Clock) -> None:
    resident = await world.living_in("a111/1")
    order = await ordered(api, till, resident, 100)
    told = (await api.ask(CANCEL, resident, id=order)).data["cancelOrder"]
    assert told == {"state": "CLOSED", "closedBecause": "CANCELLED", "charges": [{"state": "OPEN"}]}
    assert (await api.ask(CANCEL, resident, id=order)).codes == ["ORDER_CLOSED"]
    assert (await api.ask(PAY, resident, order=order, channel="WECHAT_APP")).codes == ["ORDER_CLOSED"]
    late = await ordered(api, till, resident, 100)
    clock.advance(minutes=30)
    again = Api(api.services, world)
    assert (await again.ask(PAY, resident, order=late, channel="WECHAT_APP")).codes == ["ORDER_CLOSED"]
    assert [edge["node"]["state"] for edge in (await again.ask(ORDERS, resident)).data["paymentOrders"]["edges"]] == [
        "OPEN",
        "CLOSED",
    ]


async def test_a_manager_sends_money_back(api: Api, till: Till, world: World) -> None:
    bought = await till.bought(100)
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    (charge,) = ids(bought.charges)
    assert (await api.ask(REFUND, manager, id=charge, fen=10)).codes == ["NOT_REFUNDABLE"]
    await till.take(bought.paid())
    assert (await api.ask(REFUND, staff, id=charge, fen=10)).codes == ["NOT_FOUND"]
    told = (await api.ask(REFUND, manager, id=charge, fen=60)).data["refundCharge"]
    assert (told["refundingFen"], told["refundedFen"]) == (60, 0)
    assert [(each["amountFen"], each["state"]) for each in told["refunds"]] == [(60, "ASKED")]
    assert (await api.ask(REFUND, manager, id=charge, fen=41)).codes == ["NOT_REFUNDABLE"]
    assert (await api.ask(REFUND, manager, id=charge, fen=-1)).codes == ["NOT_REFUNDABLE"]
    await till.sound()


async def test_a_manager_of_one_place_who_serves_in_another_sends_nothing_back_there(
    api: Api, till: Till, world: World
) -> None:
    both = await world.with_role(Role.PROPERTY_STAFF, "a111")
    await world.with_role(Role.PROPERTY_MANAGER, "a112", both)
    bought = await till.bought(100)
    await till.take(bought.paid())
    (charge,) = ids(bought.charges)
    assert titles(await api.ask(CHARGES, both)) == [100]
    assert (await api.ask(REFUND, both, id=charge, fen=10)).codes == ["FORBIDDEN"]
    assert await till.rows("refund") == {}


REFUNDS = """query($state: RefundState) { refunds(state: $state) { edges { node {
  id number amountFen state failedBecause note charge { refundingFen refundedFen } replaces { number } home { door }
} } } }"""
RETRY = "mutation($id: ID!) { retryRefund(refund: $id) { id number state replaces { id state } } }"
BY_HAND = """mutation($id: ID!, $note: String!) { settleRefundByHand(refund: $id, note: $note) {
  id state note doneAt charge { refundingFen refundedFen } } }"""


async def failed(till: Till, raw: str) -> str:
    """A refund of 60 that the vendor did not make; its id."""
    bought = await till.bought(100)
    await till.take(bought.paid())
    async with till.database.unit_of_work(till.world.everywhere) as uow:
        refund_id = await refund_charge(uow, charge_id=bought.charges[0], amount_fen=60, reason="多收退回")
    await look_at_refunds(till.database, gateways=dict(till.vendors))
    number = (await till.rows("refund"))[refund_id]["out_refund_no"]
    await till.take(bought.vendor.finish(number, RefundState.FAILED, raw))
    return global_id("Refund", refund_id)


async def test_a_manager_has_a_failed_refund_sent_again(api: Api, till: Till, world: World) -> None:
    manager, resident = await world.with_role(Role.PROPERTY_MANAGER, "a111"), await world.living_in("a111/1")
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    refund = await failed(till, "CLOSED")
    (edge,) = (await api.ask(REFUNDS, manager, state="FAILED")).data["refunds"]["edges"]
    assert (edge["node"]["id"], edge["node"]["failedBecause"], edge["node"]["replaces"]) == (refund, "CLOSED", None)
    assert edge["node"]["charge"] == {"refundingFen": 60, "refundedFen": 0}
    for nobody in (staff, resident, await world.with_role(Role.PROPERTY_MANAGER, "a112")):
        assert (await api.ask(RETRY, nobody, id=refund)).codes == ["NOT_FOUND"]
    vendor = till.vendors[Vendor.WECHAT]
    vendor.lost_before = 1
    assert (await api.ask(RETRY, manager, id=refund)).codes == ["PAYMENT_UNCERTAIN"]
    told = (await api.ask(RETRY, manager, id=refund)).data["retryRefund"]
    assert (told["state"], told["replaces"]) == ("ASKED", {"id": refund, "state": "REPLACED"})
    assert (await api.ask(RETRY, manager, id=refund)).codes == ["REFUND_NOT_FAILED"]
    seen = (await api.ask(REFUNDS, resident)).data["refunds"]["edges"]
    assert [each["node"]["state"] for each in seen] == ["ASKED", "REPLACED"]
    await till.sound()


async def test_a_manager_pays_a_failed_refund_back_by_hand(api: Api, till: Till, world: World) -> None:
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    refund = await failed(till, "ABNORMAL")
    assert (await api.ask(BY_HAND, manager, id=refund, note=" ")).codes == ["INVALID_TEXT"]
    told = (await api.ask(BY_HAND, manager, id=refund, note="银行转账退还")).data["settleRefundByHand"]
    assert (told["state"], told["note"], told["doneAt"] is not None) == ("BY_HAND", "银行转账退还", True)
    assert told["charge"] == {"refundingFen": 0, "refundedFen": 60}
    assert (await api.ask(BY_HAND, manager, id=refund, note="x")).codes == ["REFUND_NOT_FAILED"]
    assert (await api.ask(ITEMS, manager)).data["reconciliationItems"]["edges"] == []
    await till.sound()


async def test_a_refund_that_the_vendor_made_after_all_is_not_paid_back_again(
    api: Api, till: Till, world: World
) -> None:
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    refund, vendor = await failed(till, "ABNORMAL"), till.vendors[Vendor.WECHAT]
    vendor.finish(*vendor.refunds)
    assert (await api.ask(BY_HAND, manager, id=refund, note="现金")).codes == ["REFUND_NOT_FAILED"]
    assert await till.states("refund") == ["done"]
    without = await failed(till, "ABNORMAL")
    nobody = Api(replace(api.services, payments={}), world)
    assert (await nobody.ask(BY_HAND, manager, id=without, note="现金")).codes == []
    await till.sound()


ITEMS = """{ reconciliationItems(state: OPEN) { edges { node {
  id kind oursFen theirsFen number vendor day compound { name } } } } }"""
SETTLE = """mutation($id: ID!) { settleReconciliationItem(id: $id, note: "已联系渠道核对") { state note settledAt } }"""


async def test_a_manager_deals_with_what_differs(api: Api, till: Till, world: World) -> None:
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    bought = await till.bought(100)
    await till.take(replace(bought.paid(), amount_fen=1))
    (edge,) = (await api.ask(ITEMS, manager)).data["reconciliationItems"]["edges"]
    node = edge["node"]
    assert (node["kind"], node["oursFen"], node["theirsFen"], node["vendor"]) == ("wrong_amount", 100, 1, "WECHAT")
    assert (await api.ask(ITEMS, await world.with_role(Role.PROPERTY_STAFF, "a111"))).codes == ["NOT_FOUND"]
    elsewhere = await world.with_role(Role.PROPERTY_MANAGER, "a112")
    assert (await api.ask(ITEMS, elsewhere)).data["reconciliationItems"]["edges"] == []
    assert (await api.ask(SETTLE, elsewhere, id=node["id"])).codes == ["NOT_FOUND"]
    told = (await api.ask(SETTLE, manager, id=node["id"])).data["settleReconciliationItem"]
    assert (told["state"], told["note"]) == ("SETTLED", "已联系渠道核对")
    assert (await api.ask(SETTLE, manager, id=node["id"])).codes == ["SETTLED"]


async def test_a_manager_sees_what_a_bills_supplier_says_of_a_paid_one(api: Api, till: Till, world: World) -> None:
    place, day = world.areas["a111"], date(2026, 11, 20)
    async with till.database.unit_of_work(world.everywhere) as uow:
        for theirs in (1_600, 1_500):
            await report_difference(
                uow, compound_id=place, day=day, kind="utility_bill_amount", number="water||W-1", reference="7",
                ours_fen=1_230, theirs_fen=theirs,
            )  # fmt: skip
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    (edge,) = (await api.ask(ITEMS, manager)).data["reconciliationItems"]["edges"]
    node = edge["node"]
    assert (node["vendor"], node["number"], node["oursFen"], node["theirsFen"]) == (None, "water||W-1", 1_230, 1_500)
    assert (await api.ask(SETTLE, manager, id=node["id"])).codes == []
