"""Tax invoices of receipts over the public API: asked for, issued or rejected, over what did not go back."""

from __future__ import annotations

import asyncpg
import pytest

from api.nodes import global_id
from domain.community.payments.charges import refund_charge
from domain.kernel.actor import Role
from domain.kernel.uow import Database
from tests.factories.api import Answer, Api
from tests.factories.till import Till
from tests.factories.world import World

ASK = """mutation($input: RequestInvoiceInput!) { requestInvoice(input: $input) {
  id state kind title taxNumber amountFen receipt { number } home { door } } }"""
ISSUE = """mutation($id: ID!, $number: String, $note: String!) { settleInvoice(id: $id, number: $number, note: $note) {
  state invoiceNumber note title amountFen } }"""
INVOICES = "{ invoiceRequests(state: ASKED) { edges { node { title taxNumber amountFen } } } }"


@pytest.fixture
def till(world: World, clocked: Database, superuser: asyncpg.Connection) -> Till:
    return Till(world, clocked, superuser)


async def test_an_invoice_is_asked_for_and_issued(
    api: Api, till: Till, world: World, superuser: asyncpg.Connection
) -> None:
    resident, manager = await world.living_in("a111/1"), await world.with_role(Role.PROPERTY_MANAGER, "a111")
    bought = await till.bought(100)
    await till.take(bought.paid())
    ((receipt, _),) = [(global_id("Receipt", number), row) for number, row in (await till.rows("receipt")).items()]

    async def ask(**said: object) -> Answer:
        return await api.ask(ASK, resident, input={"receipt": receipt, "kind": "COMPANY", "title": "某某公司"} | said)

    assert (await ask()).codes == ["INVALID_TAX_NUMBER"]
    assert (await ask(taxNumber="x")).codes == ["INVALID_TAX_NUMBER"]
    made = (await ask(taxNumber="9133 0421 abcd 123456")).data["requestInvoice"]
    assert (made["title"], made["taxNumber"], made["receipt"]) == ("某某公司", "91330421ABCD123456", {"number": 1})
    assert (await ask(taxNumber="91330421ABCD123456")).codes == ["INVOICE_ASKED"]
    stored = await superuser.fetchrow("select title, tax_number from invoice_request")
    assert stored is not None
    assert b"91330421" not in stored["tax_number"]
    assert "某某".encode() not in stored["title"]
    (asked,) = (await api.ask(INVOICES, manager)).data["invoiceRequests"]["edges"]
    assert asked["node"]["taxNumber"] == "91330421ABCD123456"
    rejected = (await api.ask(ISSUE, manager, id=made["id"], note="抬头有误")).data["settleInvoice"]
    assert (rejected["state"], rejected["note"]) == ("REJECTED", "抬头有误")
    assert (await api.ask(ISSUE, manager, id=made["id"], note="x")).codes == ["SETTLED"]
    again = (await ask(kind="PERSONAL", title="住户甲")).data["requestInvoice"]
    issued = (await api.ask(ISSUE, manager, id=again["id"], number="24332000000012345678", note="")).data
    assert issued["settleInvoice"]["invoiceNumber"] == "24332000000012345678"
    assert (await api.ask(ISSUE, resident, id=again["id"], note="x")).codes == ["NOT_FOUND"]


async def test_an_invoice_is_made_out_over_what_did_not_go_back(api: Api, till: Till, world: World) -> None:
    resident, manager = await world.living_in("a111/1"), await world.with_role(Role.PROPERTY_MANAGER, "a111")
    bought = await till.bought(100)
    await till.take(bought.paid())
    ((receipt, _),) = (await till.rows("receipt")).items()
    asked = {"receipt": global_id("Receipt", receipt), "kind": "PERSONAL", "title": "住户甲"}

    async def refund(fen: int) -> None:
        async with till.database.unit_of_work(world.everywhere) as uow:
            await refund_charge(uow, charge_id=bought.charges[0], amount_fen=fen, reason="多收")

    first = (await api.ask(ASK, resident, input=asked)).data["requestInvoice"]
    assert first["amountFen"] == 100
    await refund(30)
    (edge,) = (await api.ask(INVOICES, manager)).data["invoiceRequests"]["edges"]
    assert edge["node"]["amountFen"] == 70
    issued = (await api.ask(ISSUE, manager, id=first["id"], number="2433", note="")).data["settleInvoice"]
    assert (issued["state"], issued["amountFen"]) == ("ISSUED", 70)
    await refund(70)
    ((_, row),) = (await till.rows("invoice_request")).items()
    assert row["amount_fen"] == 70, "issued over what stood then"


async def test_no_invoice_of_what_went_back(api: Api, till: Till, world: World) -> None:
    resident, manager = await world.living_in("a111/1"), await world.with_role(Role.PROPERTY_MANAGER, "a111")
    asked = []
    for first in (True, False):
        bought = await till.bought(100)
        await till.take(bought.paid())
        receipt = max(await till.rows("receipt"))
        wanted = {"receipt": global_id("Receipt", receipt), "kind": "PERSONAL", "title": "住户甲"}
        if first:
            asked.append((await api.ask(ASK, resident, input=wanted)).data["requestInvoice"]["id"])
        async with till.database.unit_of_work(world.everywhere) as uow:
            await refund_charge(uow, charge_id=bought.charges[0], amount_fen=100, reason="重复缴费")
    assert (await api.ask(ASK, resident, input=wanted)).codes == ["NOTHING_TO_INVOICE"]
    assert (await api.ask(ISSUE, manager, id=asked[0], number="2433", note="")).codes == ["NOTHING_TO_INVOICE"]
    rejected = (await api.ask(ISSUE, manager, id=asked[0], note="已全额退款")).data["settleInvoice"]
    assert (rejected["state"], rejected["amountFen"]) == ("REJECTED", 0)
