"""Alipay in certificate mode: our adapter and the sandbox, with a certificate that is renewed meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from domain.community.payments.ports import Channel, GatewayRefused, GatewayUnknown, NewRefund, RefundState, TradeState
from integrations.payments.alipay.account import DOWNLOAD
from integrations.payments.alipay.certificates import Certificates
from integrations.payments.notices import NotAuthentic
from integrations.payments.sandbox.authority import Issuer
from tests.factories.payments import START, Counter, counter, new_number


@pytest.fixture
async def shop() -> AsyncIterator[Counter]:
    async with counter(certificates=True) as made:
        yield made


def methods(shop: Counter) -> list[str]:
    return [request.url.params.get("method", "") for request in shop.line.sent]


def renew(shop: Counter, *, trusted: bool = True) -> None:
    """Alipay signs with a new key from now on, certified beneath a root of ours or of somebody else."""
    root, key = Issuer.root("Sandbox Root R2", START), generate_private_key(65537, 2048)
    if trusted:
        assert isinstance(shop.alipay._account.keys, Certificates)
        shop.alipay._account.keys._roots.append(root.certificate)
    authority = root.beneath("Sandbox Class 2", START)
    leaf = authority.certify("支付宝沙箱 二", key.public_key(), START)
    shop.there.alipay.renew(key, (leaf, authority.certificate))


async def test_a_trade_is_paid_refunded_and_told_of(shop: Counter) -> None:
    trade = shop.trade(Channel.ALIPAY_QR)
    prepay = await shop.alipay.create(trade)
    await shop.pay(prepay.url)
    (notice,) = await shop.notices()
    assert notice is not None
    assert (notice.out_trade_no, notice.amount_fen) == (trade.out_trade_no, trade.amount_fen)
    back = await shop.alipay.refund(NewRefund(trade.out_trade_no, "cert-refund-1", 45, trade.amount_fen, "多收"))
    assert back.state is RefundState.DONE
    for request in shop.line.sent:
        assert request.url.params["app_cert_sn"]
        assert request.url.params["alipay_root_cert_sn"]
    assert DOWNLOAD not in methods(shop)


async def test_an_agreement_is_signed_told_of_and_taken_from(shop: Counter) -> None:
    number, desk, trade = new_number(), shop.there.withholding, shop.trade(Channel.ALIPAY_APP)
    page = urlsplit(shop.agreements.sign(number).url)
    assert {"app_cert_sn", "alipay_root_cert_sn"} <= parse_qs(page.query).keys()
    desk.sign(desk.opened(page.geturl()))
    agreed = await shop.agreements.query(number)  # from its first call on Alipay answers in certificate mode
    assert [getattr(notice, "number", "") for notice in await shop.notices()] == [number]
    assert (await shop.agreements.deduct(trade, agreed.vendor_number)).state is TradeState.PAID


async def test_what_clients_open_names_the_certificates_too(shop: Counter) -> None:
    app = await shop.alipay.create(shop.trade(Channel.ALIPAY_APP))
    page = await shop.alipay.create(shop.trade(Channel.ALIPAY_PAGE))
    for order in (app.launch["orderStr"], urlsplit(page.url).query):
        assert {"app_cert_sn", "alipay_root_cert_sn"} <= parse_qs(order).keys()
        await shop.pay(order)


async def test_a_renewed_certificate_is_fetched_once_and_then_believed(shop: Counter) -> None:
    trade = shop.trade(Channel.ALIPAY_QR)
    prepay = await shop.alipay.create(trade)
    renew(shop)
    await shop.pay(prepay.url)
    with pytest.raises(NotAuthentic):
        await shop.notices()
    for _ in range(2):
        assert (await shop.alipay.query(trade.out_trade_no)).state is TradeState.PAID
    assert methods(shop).count(DOWNLOAD) == 1
    vendor, headers, body = shop.heard[-1]
    assert shop.readers[vendor].read(headers, body) is not None, "it comes again, and is understood"


async def test_a_certificate_of_another_root_is_not_believed_nor_asked_for_all_the_time(shop: Counter) -> None:
    renew(shop, trusted=False)
    for _ in range(3):
        with pytest.raises(GatewayUnknown):
            await shop.alipay.query("T1")
    assert methods(shop).count(DOWNLOAD) == 1
    shop.clock.forward(seconds=61)
    with pytest.raises(GatewayUnknown):
        await shop.alipay.query("T1")
    assert methods(shop).count(DOWNLOAD) == 2


@pytest.mark.parametrize(
    "answer", ["", "[]", "{}", '{"alipay_open_app_alipaycert_download_response":{"code":"40004"}}']
)
async def test_without_the_certificate_an_answer_is_not_believed(shop: Counter, answer: str) -> None:
    renew(shop)

    def meddle(request: httpx.Request, right: httpx.Response) -> httpx.Response:
        lost = request.url.params.get("method") == DOWNLOAD
        return httpx.Response(200, text=answer, request=request) if lost else right

    shop.line.meddle = meddle
    with pytest.raises(GatewayUnknown):
        await shop.alipay.query("T1")


@pytest.mark.parametrize("serial", ["", "x", "0" * 32, "../../etc"])
async def test_an_answer_that_names_another_certificate(shop: Counter, serial: str) -> None:
    trade = shop.trade(Channel.ALIPAY_QR)
    await shop.pay((await shop.alipay.create(trade)).url)

    def meddle(request: httpx.Request, right: httpx.Response) -> httpx.Response:
        before, _, after = right.text.partition('"alipay_cert_sn":"')
        text = f'{before}"alipay_cert_sn":"{serial}{after[after.index(chr(34)) :]}' if after else right.text
        return httpx.Response(200, text=text, request=request)

    shop.line.meddle = meddle
    if serial:
        with pytest.raises(GatewayUnknown):
            await shop.alipay.query(trade.out_trade_no)
    else:
        assert (await shop.alipay.query(trade.out_trade_no)).state is TradeState.PAID


async def test_the_sandbox_refuses_certificates_that_are_not_the_applications(shop: Counter) -> None:
    shop.alipay._account.merchant.serials["app_cert_sn"] = "0" * 32  # type: ignore[index]
    with pytest.raises(GatewayRefused) as refused:
        await shop.alipay.create(shop.trade(Channel.ALIPAY_QR))
    assert refused.value.params["reason"] == "isv.invalid-app-cert-sn"
