"""What our adapters make of a vendor that does not answer, or of an answer that is not its own: nothing certain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from domain.community.payments.ports import Channel, GatewayRefused, GatewayUnknown, NewRefund, PaymentPort, Vendor
from integrations.payments.calls import Caller
from integrations.payments.wechat.gateway import WechatPay
from tests.factories.payments import HOST, NOTIFY, Counter, HandClock, Meddle, accounts, keys, new_number

CODES = {Vendor.WECHAT: Channel.WECHAT_NATIVE, Vendor.ALIPAY: Channel.ALIPAY_QR}
Call = Callable[[PaymentPort, Counter], Awaitable[object]]

CALLS: dict[str, Call] = {
    "create": lambda port, shop: port.create(shop.trade(CODES[port.vendor])),
    "query": lambda port, shop: port.query("T-paid"),
    "close": lambda port, shop: port.close("T-paid"),
    "refund": lambda port, shop: port.refund(NewRefund("T-paid", new_number(), 1, 12345, "x")),
    "query_refund": lambda port, shop: port.query_refund("T-paid", "T-refund"),
}


def lose(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
    """The answer is lost on the way: the vendor has acted."""
    raise httpx.ReadTimeout("lost", request=request)


def instead(status: int, content: bytes, **headers: str) -> Meddle:
    """Somebody else answers."""
    return lambda request, _: httpx.Response(status, content=content, headers=headers, request=request)


def changed(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
    """One character of what the vendor wrote is another; an empty answer gets a body."""
    content = answer.content.replace(b"0", b"1", 1) if b"0" in answer.content else answer.content + b" "
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return httpx.Response(200, content=content, headers=headers, request=request)


MEDDLING: dict[str, Meddle] = {
    "lost": lose,
    "server error": instead(500, b'{"code":"SYSTEM_ERROR"}'),
    "too often": instead(429, b'{"code":"FREQUENCY_LIMITED"}'),
    "redirect": instead(302, b"", location="https://elsewhere.test/"),
    "a page": instead(200, b"<html>not found</html>"),
    "no code": instead(404, b"nothing here"),
    "unsigned": instead(200, b'{"trade_state":"SUCCESS"}'),
    "changed": changed,
}


@pytest.mark.parametrize("vendor", list(Vendor))
@pytest.mark.parametrize("how", MEDDLING)
async def test_nothing_is_believed_that_does_not_verify(shop: Counter, vendor: Vendor, how: str) -> None:
    port = shop.port(vendor)
    trade = shop.trade(CODES[vendor], "T-paid")
    await shop.pay((await port.create(trade)).url)
    await port.refund(NewRefund("T-paid", "T-refund", 1, trade.amount_fen, "x"))
    shop.line.meddle = MEDDLING[how]
    for call in CALLS.values():
        with pytest.raises(GatewayUnknown):
            await call(port, shop)


async def test_an_answer_that_comes_too_late_is_unknown() -> None:
    class Never(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.Event().wait()
            raise AssertionError

    wechat, _ = accounts(keys(), HOST, NOTIFY)
    async with httpx.AsyncClient(transport=Never()) as client:
        port = WechatPay(wechat, Caller("wechat", client, client, seconds=0.01), clock=HandClock())
        with pytest.raises(GatewayUnknown):
            await port.query("T-any")


async def test_an_answer_kept_from_before_is_not_taken_for_this_one(shop: Counter) -> None:
    """A verified answer about another trade, and a stale one about this."""
    for vendor in Vendor:
        port, kept = shop.port(vendor), shop.trade(CODES[vendor])
        await shop.pay((await port.create(kept)).url)
        other = shop.trade(CODES[vendor])
        await shop.scan((await port.create(other)).url)
        answers: list[httpx.Response] = []

        def replay(_: httpx.Request, answer: httpx.Response, before: list[httpx.Response] = answers) -> httpx.Response:
            before.append(answer)
            return before[0]

        shop.line.meddle = replay
        await port.query(kept.out_trade_no)
        with pytest.raises(GatewayUnknown):
            await port.query(other.out_trade_no)
        if vendor is Vendor.WECHAT:
            shop.clock.forward(minutes=5)
            with pytest.raises(GatewayUnknown):
                await port.query(kept.out_trade_no)
        shop.line.meddle = None


async def test_the_bytes_that_were_signed_are_those_that_were_sent(shop: Counter) -> None:
    trade = shop.trade(Channel.WECHAT_NATIVE, title="物业费 “三月” é")
    await shop.wechat.create(trade)
    (request,) = shop.line.sent
    assert "物业费 “三月” é".encode() in request.content
    assert request.headers["wechatpay-serial"].startswith("PUB_KEY_ID_")
    assert request.headers["user-agent"] == "zhian"
    assert request.headers["accept"] == "application/json"


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_a_bill_is_refused_when_it_is_not_what_was_promised(shop: Counter, vendor: Vendor) -> None:
    port, day = shop.port(vendor), shop.clock.now.date()
    await shop.pay((await port.create(shop.trade(CODES[vendor]))).url)
    shop.clock.forward(days=1)

    def of_files(meddle: Meddle) -> Meddle:
        return lambda request, answer: meddle(request, answer) if "ile" in request.url.path else answer

    for meddle in (instead(404, b""), instead(200, b""), instead(200, b"PK"), changed):
        shop.line.meddle = of_files(meddle)
        with pytest.raises(GatewayUnknown):
            await port.download_bill(day)
    shop.line.meddle = None
    assert len(await port.download_bill(day)) == 1


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_a_wrong_merchant_is_told_so(shop: Counter, vendor: Vendor) -> None:
    """A key that the vendor does not know: refused, in the vendor's words."""
    for call in ("create", "refund"):
        shop.line.meddle = None
        port = shop.port(vendor)
        merchant = port._account.merchant  # type: ignore[attr-defined]
        object.__setattr__(merchant, "key", keys().alipay if vendor is Vendor.WECHAT else keys().merchant)
        with pytest.raises(GatewayRefused) as refused:
            await CALLS[call](port, shop)
        assert refused.value.params["reason"] in ("SIGN_ERROR", "isv.invalid-signature")
