"""What every supplier answers: bills, none, or that it knows no such account; Alipay's on the wire, and a double."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import httpx
import pytest

from domain.community.bills.accounts import register_account
from domain.community.bills.kinds import BillKind
from domain.community.bills.pull.errors import UnknownBillKey, UnknownSupplier
from domain.community.bills.pull.ports import InstBill, InstBillQuery, InstBills, SubBizType, UtilityBillPort
from domain.community.payments.ports import GatewayRefused, GatewayUnknown
from domain.kernel.money import fen_of
from integrations.payments import rsa
from integrations.payments.sandbox.alipay_says import written
from integrations.payments.settings import suppliers
from tests.contract.bills.systems import PropertySystem, Supplier, of_ports
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.payments import Counter, counter, keys
from tests.factories.world import World
from workers.bill_pull import pull_utilities

__all__ = ["clock", "clocked", "news", "vault", "world"]
WATER, GAS = SubBizType.WATER, SubBizType.GAS
OWES, LATE, OWES_NOTHING, NOBODYS = "33000000010001", "33000000010009", "33000000010010", "44000000010001"
DOUBLE = Supplier(
    {
        (WATER, OWES): [InstBill("12.30", "202602", "W-1")],
        (WATER, LATE): [InstBill("8.00", "202602", "W-2", bill_fines="1.25")],
        (WATER, OWES_NOTHING): [],
    }
)


@pytest.fixture
async def shop() -> AsyncIterator[Counter]:
    async with counter() as made:
        yield made


@pytest.fixture(params=["alipay", "double"])
def port(request: pytest.FixtureRequest, shop: Counter) -> UtilityBillPort:
    return shop.utilities if request.param == "alipay" else of_ports(DOUBLE, PropertySystem())[0]


def water(number: str) -> InstBillQuery:
    return InstBillQuery(WATER, "示例水务", number)


async def test_an_accounts_bills_come_with_amount_month_and_number(port: UtilityBillPort) -> None:
    assert WATER in port.sub_biz_types
    answer = await port.instbill_query(water(OWES))
    (bill,), (again,) = answer.inst_bills, (await port.instbill_query(water(OWES))).inst_bills
    (late,) = (await port.instbill_query(water(LATE))).inst_bills
    assert answer.charge_mode == "2"
    assert fen_of(bill.amount) > 0
    assert (bill.bill_date, fen_of(bill.bill_fines), fen_of(late.bill_fines)) == ("202602", 0, 125)
    assert replace(again, uniq_id=bill.uniq_id) == bill
    assert len({bill.inst_bill_no, late.inst_bill_no, ""}) == 3


async def test_who_owes_nothing_and_who_is_unknown(port: UtilityBillPort) -> None:
    assert (await port.instbill_query(water(OWES_NOTHING))).inst_bills == ()
    with pytest.raises(UnknownBillKey):
        await port.instbill_query(water(NOBODYS))


async def test_a_supplier_is_asked_for_under_its_name_at_alipay(shop: Counter) -> None:
    assert shop.utilities.sub_biz_types == {WATER, GAS}
    await shop.utilities.instbill_query(InstBillQuery(GAS, "示例燃气", OWES))
    assert b"EXGAS" in shop.line.sent[-1].content
    for query in (InstBillQuery(GAS, "另一家", OWES), InstBillQuery(SubBizType.ELECTRIC, "", OWES)):
        with pytest.raises(UnknownSupplier):
            await shop.utilities.instbill_query(query)
    assert len(shop.line.sent) == 1


def says(shop: Counter, answer: dict[str, object]) -> None:
    """Let Alipay answer so, signed."""
    raw = written(answer)
    told = f'{{"alipay_ebpp_jfexport_instbill_query_response":{raw},"sign":"{rsa.sign(keys().alipay, raw.encode())}"}}'

    def meddle(request: httpx.Request, _: httpx.Response) -> httpx.Response:
        return httpx.Response(200, text=told, request=request)

    shop.line.meddle = meddle


GOOD = {"code": "10000", "bill_key": OWES}
BILL = {"amount": "1.5", "bill_date": "20260228", "inst_bill_no": "N1", "owner_name": "*例", "uniq_id": None}


@pytest.mark.parametrize(
    ("bills", "found"),
    [
        ([BILL], (InstBill("1.5", "202602", "N1"),)),
        ({"jf_export_inst_bill_model": [BILL]}, (InstBill("1.5", "202602", "N1"),)),
        ([{"amount": "2"}], (InstBill("2", "", ""),)),
        ([], ()),
        (None, ()),
    ],
)
async def test_the_shapes_of_an_answer(shop: Counter, bills: object, found: tuple[InstBill, ...]) -> None:
    says(shop, GOOD | {"inst_bills": bills})
    assert await shop.utilities.instbill_query(water(OWES)) == InstBills(found)


@pytest.mark.parametrize(
    "answer",
    [
        GOOD | {"bill_key": LATE, "inst_bills": [BILL]},
        GOOD | {"inst_bills": [BILL | {"bill_key": LATE}]},
        GOOD | {"inst_bills": ["text"]},
        GOOD | {"inst_bills": "text"},
        {"code": "20000", "sub_code": "isp.unknow-error"},
    ],
)
async def test_what_is_not_of_this_account_or_no_answer_is_believed_in_nothing(
    shop: Counter, answer: dict[str, object]
) -> None:
    says(shop, answer)
    with pytest.raises(GatewayUnknown):
        await shop.utilities.instbill_query(water(OWES))


async def test_what_suppliers_say_instead_of_bills(shop: Counter) -> None:
    says(shop, {"code": "40004", "sub_code": "NO_DEBT"})
    assert await shop.utilities.instbill_query(water(OWES)) == InstBills()
    says(shop, {"code": "40004", "sub_code": "CHARGE_INST_CLOSED"})
    with pytest.raises(GatewayRefused):
        await shop.utilities.instbill_query(water(OWES))


async def test_a_forged_answer_is_none(shop: Counter) -> None:
    def forge(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        return httpx.Response(200, text=answer.text.replace('"bill_fines":"0', '"bill_fines":"1'), request=request)

    shop.line.meddle = forge
    with pytest.raises(GatewayUnknown):
        await shop.utilities.instbill_query(water(OWES))


async def test_alipays_bills_become_the_homes(
    shop: Counter, world: World, account_numbers: list[str], superuser: asyncpg.Connection
) -> None:
    pulled = await pull_utilities(world.database, world.vault, shop.utilities, limit=10)
    assert (pulled.heard, pulled.refused, pulled.made, pulled.unheard) == (3, 1, 2, 0)
    rows = await superuser.fetch("select home_id, late_fee_fen from bill order by late_fee_fen")
    assert [tuple(row) for row in rows] == [(world.homes["a111/1"], 0), (world.homes["a111/2"], 125)]


@pytest.fixture
async def account_numbers(world: World) -> list[str]:
    numbers = [OWES, LATE, NOBODYS]
    async with world.database.unit_of_work(world.everywhere) as uow:
        for home, number in zip(("a111/1", "a111/2", "a112/1"), numbers, strict=True):
            await register_account(
                uow, vault=world.vault, home_id=world.homes[home], kind=BillKind.WATER, number=number
            )
    return numbers


def test_suppliers_are_set_by_kind_and_name() -> None:
    assert suppliers("") == {}
    assert suppliers("WATER:示例水务=EXWATER, WATER=OTHER,GAS=EXGAS") == {
        (WATER, "示例水务"): "EXWATER",
        (WATER, ""): "OTHER",
        (GAS, ""): "EXGAS",
    }
    for wrong in ("WATER", "HEAT=EX1", "WATER=", "WATER=a b", "=EX1"):
        with pytest.raises(ValueError, match="ZHIAN_ALIPAY_CHARGE_INSTS"):
            suppliers(wrong)
