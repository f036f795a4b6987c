"""A vendor that signs what it should not say: our adapters believe no more of it than fits."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from domain.community.payments.ports import (
    Channel,
    GatewayRefused,
    GatewayUnknown,
    NewRefund,
    RefundState,
    TradeState,
    Vendor,
)
from integrations.payments.sandbox.book import Refused
from tests.factories.payments import Counter, new_number

Said = dict[str, Any]
CODES = {Vendor.WECHAT: Channel.WECHAT_NATIVE, Vendor.ALIPAY: Channel.ALIPAY_QR}


def saying(monkeypatch: pytest.MonkeyPatch, vendor: Vendor, function: str, change: Said) -> None:
    """Have the sandbox of ``vendor`` say the same, but for ``change``; None takes a member away."""
    name = f"integrations.payments.sandbox.{vendor}.{function}"
    real: Callable[..., Said] = getattr(import_module(name.rpartition(".")[0]), function)

    def said(*arguments: object, **named: object) -> Said:
        whole = real(*arguments, **named) | change
        return {key: value for key, value in whole.items() if value is not None}

    monkeypatch.setattr(name, said)


async def paid(shop: Counter, vendor: Vendor, *, fen: int = 1000) -> str:
    trade = shop.trade(CODES[vendor], fen=fen)
    await shop.pay((await shop.port(vendor).create(trade)).url)
    return trade.out_trade_no


@pytest.mark.parametrize(
    ("vendor", "change"),
    [
        (Vendor.WECHAT, {"mchid": "1900000002"}),
        (Vendor.WECHAT, {"out_trade_no": "another"}),
        (Vendor.WECHAT, {"trade_state": "WONDERFUL"}),
        (Vendor.WECHAT, {"trade_state": None}),
        (Vendor.WECHAT, {"transaction_id": None}),
        (Vendor.WECHAT, {"appid": 7}),
        (Vendor.WECHAT, {"success_time": "then"}),
        (Vendor.WECHAT, {"amount": {"total": "1000"}}),
        (Vendor.WECHAT, {"amount": 1000}),
        (Vendor.ALIPAY, {"out_trade_no": "another"}),
        (Vendor.ALIPAY, {"trade_status": "WONDERFUL"}),
        (Vendor.ALIPAY, {"trade_status": None}),
        (Vendor.ALIPAY, {"trade_no": None}),
        (Vendor.ALIPAY, {"send_pay_date": None}),
        (Vendor.ALIPAY, {"total_amount": "10.001"}),
        (Vendor.ALIPAY, {"total_amount": 10}),
    ],
)
async def test_a_trade_that_does_not_fit_is_unknown(
    shop: Counter, monkeypatch: pytest.MonkeyPatch, vendor: Vendor, change: Said
) -> None:
    number = await paid(shop, vendor)
    saying(monkeypatch, vendor, "trade_said", change)
    with pytest.raises(GatewayUnknown):
        await shop.port(vendor).query(number)


@pytest.mark.parametrize(
    ("vendor", "function", "change"),
    [
        (Vendor.WECHAT, "refund_said", {"status": "WONDERFUL"}),
        (Vendor.WECHAT, "refund_said", {"out_refund_no": "another"}),
        (Vendor.WECHAT, "refund_said", {"out_trade_no": "another"}),
        (Vendor.WECHAT, "refund_said", {"amount": {"refund": "1"}}),
        (Vendor.WECHAT, "refund_said", {"refund_id": None}),
        (Vendor.ALIPAY, "refund_query_said", {"out_request_no": "another"}),
        (Vendor.ALIPAY, "refund_query_said", {"out_trade_no": "another"}),
        (Vendor.ALIPAY, "refund_query_said", {"refund_amount": "x"}),
    ],
)
async def test_a_refund_that_does_not_fit_is_unknown(
    shop: Counter, monkeypatch: pytest.MonkeyPatch, vendor: Vendor, function: str, change: Said
) -> None:
    number = await paid(shop, vendor)
    refund = NewRefund(number, new_number(), 1, 1000, "x")
    await shop.port(vendor).refund(refund)
    saying(monkeypatch, vendor, function, change)
    with pytest.raises(GatewayUnknown):
        await shop.port(vendor).query_refund(number, refund.out_refund_no)


@pytest.mark.parametrize(("status", "state"), [("ABNORMAL", RefundState.FAILED), ("CLOSED", RefundState.FAILED)])
async def test_a_refund_that_will_not_come_has_failed(
    shop: Counter, monkeypatch: pytest.MonkeyPatch, status: str, state: RefundState
) -> None:
    number = await paid(shop, Vendor.WECHAT)
    saying(monkeypatch, Vendor.WECHAT, "refund_said", {"status": status})
    found = await shop.wechat.refund(NewRefund(number, new_number(), 1, 1000, "x"))
    assert (found.state, found.done_at) == (state, None)


async def test_alipays_trade_given_back_whole_was_paid(shop: Counter) -> None:
    number = await paid(shop, Vendor.ALIPAY)
    await shop.alipay.refund(NewRefund(number, new_number(), 1000, 1000, "x"))
    found = await shop.alipay.query(number)
    assert (found.state, found.raw) == (TradeState.PAID, "TRADE_CLOSED")


@pytest.mark.parametrize("code", ["ACQ.SYSTEM_ERROR", "isp.unknow-error"])
async def test_a_busy_vendor_is_unknown_and_a_decided_one_refuses(
    shop: Counter, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    words = {"PAID": (code, ""), "USED": ("ACQ.BUYER_BALANCE_NOT_ENOUGH", "")}
    monkeypatch.setattr("integrations.payments.sandbox.alipay.WORDS", words)

    def refuse(with_code: str) -> None:
        def refused(*_: object, **__: object) -> None:
            raise Refused(with_code)

        monkeypatch.setattr(shop.there.book, "open", refused)
        monkeypatch.setattr(shop.there.book, "find", refused)

    refuse("PAID")
    for call in (shop.alipay.create(shop.trade(Channel.ALIPAY_QR)), shop.alipay.query("T"), shop.alipay.close("T")):
        with pytest.raises(GatewayUnknown):
            await call
    refuse("USED")
    with pytest.raises(GatewayRefused):
        await shop.alipay.create(shop.trade(Channel.ALIPAY_QR))
    for ask in (shop.alipay.query("T"), shop.alipay.query_refund("T", "R")):
        with pytest.raises(GatewayUnknown):  # neither there nor not there
            await ask


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_a_close_that_is_refused_while_the_trade_waits_is_unknown(
    shop: Counter, monkeypatch: pytest.MonkeyPatch, vendor: Vendor
) -> None:
    trade = shop.trade(CODES[vendor])
    await shop.scan((await shop.port(vendor).create(trade)).url)

    def refused(_: object) -> None:
        raise Refused("UNPAID")

    monkeypatch.setattr(shop.there.book, "close", refused)
    with pytest.raises(GatewayUnknown):
        await shop.port(vendor).close(trade.out_trade_no)


@pytest.mark.parametrize(
    ("url", "fetched"),
    [
        ("http://dwbillcenter.alipay.com/downloadBillFile.resource?token=1", "https://dwbillcenter.alipay.com"),
        ("https://dwbillcenter.alipay.com.evil.test/file", None),
        ("https://evil.test/.alipay.com", None),
        ("https://bill.alipay.com:8443/file", None),
    ],
)
async def test_a_bill_is_fetched_from_the_vendor_alone_and_over_tls(
    shop: Counter, url: str, fetched: str | None
) -> None:
    if fetched is None:
        with pytest.raises(GatewayUnknown):
            shop.alipay._bill_url(url)
    else:
        assert shop.alipay._bill_url(url).startswith(fetched)
    with pytest.raises(GatewayUnknown):
        await shop.wechat._calls.file(url)
    assert shop.line.sent == []
