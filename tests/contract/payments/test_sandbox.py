"""The sandbox refuses what the vendors would: calls that are not in order, in their words; and its book outlives it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest

from domain.community.payments.ports import Channel, NewRefund, Vendor
from integrations.payments.alipay.signing import Merchant as Application
from integrations.payments.sandbox import keys as said
from integrations.payments.sandbox.book import Book, Refund, Refused, Stage, Trade
from integrations.payments.wechat.signing import Merchant
from tests.factories.payments import HOST, START, Counter, HandClock, keys, new_number

ORDER: dict[str, Any] = {
    "mchid": said.MCHID, "appid": said.APPID, "description": "物业费", "out_trade_no": "raw-0001",
    "notify_url": "https://zhian.test/n", "amount": {"total": 1, "currency": "CNY"}, "payer": {"openid": "o"},
}  # fmt: skip


@pytest.fixture
async def wire(shop: Counter) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shop.there.app), base_url=HOST) as client:
        yield client


async def call(
    shop: Counter, wire: httpx.AsyncClient, method: str, target: str, content: bytes = b"", **headers: str
) -> tuple[int, str]:
    """What a correctly signed call of WeChat Pay is answered: status and code."""
    merchant = Merchant(said.MCHID, said.MERCHANT_SERIAL, keys().merchant)
    authorization = merchant.authorization(method, target, content, now=shop.clock.now)
    answer = await wire.request(
        method,
        target,
        content=content,
        headers={"authorization": authorization} | {"wechatpay-serial": said.PUBLIC_KEY_ID} | headers,
    )
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else ""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mchid": "1"}, "APPID_MCHID_NOT_MATCH"),
        ({"appid": said.APP_APPID}, "APPID_MCHID_NOT_MATCH"),
        ({"description": ""}, "PARAM_ERROR"),
        ({"description": "长" * 43}, "PARAM_ERROR"),
        ({"out_trade_no": "short"}, "PARAM_ERROR"),
        ({"out_trade_no": "物业费用单号"}, "PARAM_ERROR"),
        ({"notify_url": "http://zhian.test/n"}, "PARAM_ERROR"),
        ({"notify_url": "https://zhian.test/n?a=1"}, "PARAM_ERROR"),
        ({"amount": None}, "PARAM_ERROR"),
        ({"amount": {"total": 0}}, "PARAM_ERROR"),
        ({"amount": {"total": True}}, "PARAM_ERROR"),
        ({"amount": {"total": 1.5}}, "PARAM_ERROR"),
        ({"amount": {"total": 1, "currency": "USD"}}, "PARAM_ERROR"),
        ({"time_expire": "tomorrow"}, "PARAM_ERROR"),
        ({"time_expire": "2027-01-01T00:00:00"}, "PARAM_ERROR"),
        ({"payer": {}}, "PARAM_ERROR"),
        ({"payer": {"openid": ""}}, "PARAM_ERROR"),
    ],
)
async def test_an_order_that_is_not_in_order(
    shop: Counter, wire: httpx.AsyncClient, change: dict[str, Any], code: str
) -> None:
    path = "/v3/pay/transactions/jsapi"
    assert await call(shop, wire, "POST", path, orjson.dumps(ORDER | change)) == (400, code)
    assert list(shop.there.book) == []


async def test_calls_that_are_not_the_merchants(shop: Counter, wire: httpx.AsyncClient) -> None:
    path, content = "/v3/pay/transactions/native", orjson.dumps(ORDER)
    assert await call(shop, wire, "POST", path, content, authorization="") == (401, "SIGN_ERROR")
    assert await call(shop, wire, "POST", path, content, **{"wechatpay-serial": "00"}) == (400, "PARAM_ERROR")
    assert await call(shop, wire, "POST", path, b"[") == (400, "PARAM_ERROR")
    signed = Merchant(said.MCHID, said.MERCHANT_SERIAL, keys().merchant).authorization
    late = signed("POST", path, content, now=shop.clock.now - timedelta(minutes=6))
    other = signed("POST", path, content + b" ", now=shop.clock.now)
    for authorization in (late, other):
        assert await call(shop, wire, "POST", path, content, authorization=authorization) == (401, "SIGN_ERROR")
    assert (await wire.get("/v3/billdownload/file?token=x")).status_code == 401
    assert list(shop.there.book) == []


async def test_queries_refunds_and_bills_that_lead_nowhere(shop: Counter, wire: httpx.AsyncClient) -> None:
    trade = shop.trade(Channel.WECHAT_NATIVE, fen=100)
    await shop.pay((await shop.wechat.create(trade)).url)
    number = trade.out_trade_no

    def refund(**change: Any) -> bytes:
        amount = {"total": 100, "refund": 1, "currency": "CNY"} | change.pop("amount", {})
        return orjson.dumps({"out_trade_no": number, "out_refund_no": "R-1", "amount": amount} | change)

    refunds, mchid = "/v3/refund/domestic/refunds", f"mchid={said.MCHID}"
    for method, target, content, answer in (
        ("GET", f"/v3/pay/transactions/out-trade-no/{number}", b"", (400, "PARAM_ERROR")),
        ("GET", f"/v3/pay/transactions/id/4200?{mchid}", b"", (404, "ORDER_NOT_EXIST")),
        ("GET", f"/v3/pay/transactions/id/{next(iter(shop.there.book)).trade_no}?{mchid}", b"", (200, "")),
        ("POST", f"/v3/pay/transactions/out-trade-no/{number}/close", b"{}", (400, "PARAM_ERROR")),
        ("POST", refunds, refund(amount={"total": 99}), (400, "INVALID_REQUEST")),
        ("POST", refunds, refund(amount={"refund": 1.5}), (400, "PARAM_ERROR")),
        ("POST", refunds, refund(amount={"refund": 0}), (400, "INVALID_REQUEST")),
        ("POST", refunds, refund(amount={"currency": "USD"}), (400, "PARAM_ERROR")),
        ("POST", refunds, refund(out_refund_no=""), (400, "PARAM_ERROR")),
        ("POST", refunds, refund(out_trade_no="none"), (404, "RESOURCE_NOT_EXISTS")),
        ("GET", f"{refunds}/none", b"", (404, "RESOURCE_NOT_EXISTS")),
        ("GET", "/v3/bill/tradebill?bill_date=never", b"", (400, "PARAM_ERROR")),
        ("GET", "/v3/bill/tradebill?bill_date=2026-03-02", b"", (400, "INVALID_REQUEST")),
        ("GET", "/v3/bill/tradebill?bill_date=2026-03-01&bill_type=REFUND", b"", (400, "PARAM_ERROR")),
        ("GET", "/v3/bill/tradebill?bill_date=2026-03-01", b"", (400, "NO_STATEMENT_EXIST")),
    ):
        assert await call(shop, wire, method, target, content) == answer, (method, target, content)


async def test_a_payment_is_given_back_in_fifty_parts_at_most(shop: Counter) -> None:
    trade = shop.trade(Channel.WECHAT_NATIVE, fen=100)
    await shop.pay((await shop.wechat.create(trade)).url)
    found = shop.there.book.find(Vendor.WECHAT, out_trade_no=trade.out_trade_no)
    for _ in range(50):
        await shop.wechat.refund(NewRefund(trade.out_trade_no, new_number(), 1, 100, "x"))
    with pytest.raises(Refused, match="TOO_MANY"):
        shop.there.book.refund(found, Refund("R", "", 1, shop.clock.now))


CONTENT = {"out_trade_no": "raw-1", "total_amount": "1.00", "subject": "物业费"}


@pytest.mark.parametrize(
    ("method", "change", "common", "code"),
    [
        ("precreate", {"total_amount": "0"}, {}, "isv.invalid-parameter"),
        ("precreate", {"total_amount": "1.001"}, {}, "isv.invalid-parameter"),
        ("precreate", {"total_amount": True}, {}, "isv.invalid-parameter"),
        ("precreate", {"subject": ""}, {}, "isv.invalid-parameter"),
        ("precreate", {"out_trade_no": 7}, {}, "isv.invalid-parameter"),
        ("precreate", {"time_expire": "soon"}, {}, "isv.invalid-parameter"),
        ("precreate", {"product_code": "OTHER"}, {}, "isv.invalid-parameter"),
        ("precreate", {}, {"app_id": "1"}, "isv.invalid-app-id"),
        ("precreate", {}, {"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ("precreate", {}, {"sign": "AAAA"}, "isv.invalid-signature"),
        ("precreate", {}, {"version": "2.0"}, "isv.invalid-signature"),
        ("pay.everything", {}, {}, "isv.invalid-method"),
        ("query", {"out_trade_no": "none"}, {}, "ACQ.TRADE_NOT_EXIST"),
    ],
)
async def test_what_alipay_would_refuse(
    shop: Counter, wire: httpx.AsyncClient, method: str, change: dict[str, Any], common: dict[str, str], code: str
) -> None:
    signed = Application(said.ALIPAY_APP_ID, keys().app).signed(
        f"alipay.trade.{method}", CONTENT | change, now=shop.clock.now
    )
    answer = (await wire.get(f"/gateway.do?{urlencode(signed | common)}")).json()
    (told,) = [value for name, value in answer.items() if name != "sign"]
    assert told["sub_code"] == code


async def test_alipay_refuses_doubled_parameters_and_contents_that_are_none(
    shop: Counter, wire: httpx.AsyncClient
) -> None:
    application = Application(said.ALIPAY_APP_ID, keys().app)
    signed = application.signed("alipay.trade.query", CONTENT, now=shop.clock.now)
    twice = await wire.post(f"/gateway.do?{urlencode(signed)}", data={"app_id": said.ALIPAY_APP_ID})
    assert twice.json()["error_response"]["code"] == "40002"
    assert (await wire.get("/gateway.do")).json()["error_response"]["sub_code"] == "isv.invalid-app-id"
    bill = "alipay.data.dataservice.bill.downloadurl.query"
    for content, code in (
        ({"bill_type": "trade", "bill_date": "never"}, "isv.invalid-parameter"),
        ({"bill_type": "signcustomer", "bill_date": "2026-03-01"}, "isp.bill_not_exist"),
    ):
        asked = application.signed(bill, content, now=shop.clock.now)
        told = (await wire.get(f"/gateway.do?{urlencode(asked)}")).json()
        assert told[bill.replace(".", "_") + "_response"]["sub_code"] == code
    assert (await wire.get("/downloadBillFile.resource?token=x")).status_code == 404


def test_the_book_is_read_again_and_a_torn_line_left_out(tmp_path: Path) -> None:
    journal, clock = tmp_path / "trades.jsonl", HandClock()
    book = Book(journal, clock=clock, refund_seconds=0)
    trade = book.open(Trade(Vendor.WECHAT, "T-1", "native", 100, "费", "", "t", START, START + timedelta(hours=2)))
    book.pay(trade, payer="o")
    book.refund(trade, Refund("R-1", "", 30, START))
    book.arrived()
    book.open(Trade(Vendor.ALIPAY, "T-2", "x", 5, "费", "", "t", START, START))
    with journal.open("ab") as file:
        file.write(b'{"vendor":"wech')

    again = Book(journal, clock=clock)

    assert list(again) == list(book)
    found = again.find(Vendor.WECHAT, trade_no=trade.trade_no)
    assert (found.stage, found.refunded, found.refunds["R-1"].done_at) == (Stage.PAID, 30, START)
    with pytest.raises(Refused, match="CLOSED"):
        again.see(again.find(Vendor.ALIPAY, out_trade_no="T-2"))
    with pytest.raises(Refused, match="MISSING"):
        again.find(Vendor.ALIPAY, out_trade_no="T-1")
