"""Agreements with Alipay's customers on the wire of its sandbox: signed, asked for, taken from, ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from domain.community.payments.autopay.ports import Agreement, AgreementNotice, AgreementState
from domain.community.payments.ports import (
    Channel,
    GatewayRefused,
    GatewayUnknown,
    NewTrade,
    Notice,
    TradeState,
    Vendor,
)
from integrations.payments.alipay.agreements import AlipayAgreements
from integrations.payments.notices import NotAuthentic
from integrations.payments.sandbox.agreements import QUOTA, AgreementBook
from integrations.payments.sandbox.agreements import Agreement as Kept
from integrations.payments.sandbox.book import Refused
from tests.contract.payments.test_uncertain import MEDDLING, lose
from tests.factories.payments import HOST, Counter, HandClock, new_number


async def act(shop: Counter, code: str, what: str) -> httpx.Response:
    """A customer scans ``code`` and signs, or ends what is signed."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shop.there.app), base_url=HOST) as client:
        json = {"accept": "application/json"}
        found = await client.post("/cashier/scan", data={"code": code}, headers=json)
        return (
            await client.post(f"/cashier/{found.json()['handle']}/{what}", headers=json) if found.is_success else found
        )


async def refusal(shop: Counter, trade: NewTrade, vendor_number: str) -> object:
    """In which word of Alipay's a payment is refused."""
    with pytest.raises(GatewayRefused) as refused:
        await shop.agreements.deduct(trade, vendor_number)
    return refused.value.params["reason"]


async def signed(shop: Counter) -> Agreement:
    """An agreement that the customer has signed."""
    number = new_number()
    assert (await act(shop, shop.agreements.sign(number).url, "sign")).status_code == 200
    await shop.notices()
    return await shop.agreements.query(number)


@pytest.mark.parametrize("way", ["url", "app"])
async def test_it_is_signed_told_ended_and_told(shop: Counter, way: str) -> None:
    number = new_number()
    launch = shop.agreements.sign(number)
    code = launch.url if way == "url" else launch.launch["app"]
    assert (urlsplit(launch.url).hostname, urlsplit(launch.launch["app"]).scheme) == ("127.0.0.1", "alipays")
    assert (await shop.agreements.query(number)).state is AgreementState.ABSENT

    assert (await act(shop, code, "sign")).json()["state"].startswith("已签约")

    told = AgreementNotice(Vendor.ALIPAY, number, AgreementState.SIGNED, shop.clock.now)
    assert await shop.notices() == [told]
    found = await shop.agreements.query(number)
    assert (found.state, len(found.vendor_number)) == (AgreementState.SIGNED, 20)
    assert (await act(shop, code, "sign")).json() == {"code": "AGREED"}, "an agreement is signed once"

    await shop.agreements.unsign(number)

    assert await shop.notices() == [replace(told, state=AgreementState.ENDED)]
    assert await shop.agreements.query(number) == Agreement(number, AgreementState.ENDED)
    await shop.agreements.unsign(number)  # ended twice is ended once
    await shop.agreements.unsign(new_number())  # and what never was is ended
    assert await shop.notices() == []


async def test_the_customer_ends_it_at_the_vendor(shop: Counter) -> None:
    found = await signed(shop)
    (kept,) = shop.there.withholding.agreed
    shop.there.withholding.end(kept)
    (told,) = await shop.notices()
    assert isinstance(told, AgreementNotice)
    assert (told.number, told.state) == (found.number, AgreementState.ENDED)
    assert await refusal(shop, shop.trade(Channel.ALIPAY_APP), found.vendor_number) == "ACQ.AGREEMENT_NOT_EXIST"


async def test_a_payment_is_taken_once_told_and_refunded_like_others(shop: Counter) -> None:
    agreed, trade = await signed(shop), shop.trade(Channel.ALIPAY_APP)

    taken = await shop.agreements.deduct(trade, agreed.vendor_number)

    assert taken == await shop.alipay.query(trade.out_trade_no)
    assert (taken.state, taken.amount_fen, taken.paid_at) == (TradeState.PAID, trade.amount_fen, shop.clock.now)
    (told,) = await shop.notices()
    assert isinstance(told, Notice)
    assert (told.out_trade_no, told.transaction_id, told.amount_fen) == (
        trade.out_trade_no, taken.transaction_id, trade.amount_fen,
    )  # fmt: skip
    with pytest.raises(GatewayUnknown):  # it is paid already: to be asked for, never taken again
        await shop.agreements.deduct(trade, agreed.vendor_number)
    assert [each.out_trade_no for each in shop.there.book] == [trade.out_trade_no]


async def test_what_the_buyer_has_not_or_alipay_does_not_allow_is_refused_and_leaves_a_trade_to_close(
    shop: Counter,
) -> None:
    agreed, trade = await signed(shop), shop.trade(Channel.ALIPAY_APP)
    shop.there.withholding.agreed.funds = trade.amount_fen - 1
    assert await refusal(shop, trade, agreed.vendor_number) == "ACQ.BUYER_BALANCE_NOT_ENOUGH"
    assert (await shop.alipay.query(trade.out_trade_no)).state is TradeState.WAITING
    assert await shop.alipay.close(trade.out_trade_no) is TradeState.CLOSED
    shop.there.withholding.agreed.funds = None
    assert await refusal(shop, trade, agreed.vendor_number) == "ACQ.TRADE_HAS_CLOSE"
    much = shop.trade(Channel.ALIPAY_APP, fen=QUOTA + 1)
    assert await refusal(shop, much, agreed.vendor_number) == "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"
    other = shop.trade(Channel.ALIPAY_APP)
    assert await refusal(shop, other, "20260101000000000000") == "ACQ.AGREEMENT_NOT_EXIST"


@pytest.mark.parametrize("how", MEDDLING)
async def test_nothing_is_believed_that_does_not_verify(shop: Counter, how: str) -> None:
    agreed = await signed(shop)
    shop.line.meddle = MEDDLING[how]
    for call in (
        lambda: shop.agreements.query(agreed.number),
        lambda: shop.agreements.deduct(shop.trade(Channel.ALIPAY_APP), agreed.vendor_number),
        lambda: shop.agreements.unsign(agreed.number),
    ):
        with pytest.raises(GatewayUnknown):
            await call()


async def test_a_payment_that_was_taken_and_not_heard_of_is_found_by_its_number(shop: Counter) -> None:
    agreed, trade = await signed(shop), shop.trade(Channel.ALIPAY_APP)
    shop.line.meddle = lose
    with pytest.raises(GatewayUnknown):
        await shop.agreements.deduct(trade, agreed.vendor_number)
    shop.line.meddle = None
    assert (await shop.alipay.query(trade.out_trade_no)).state is TradeState.PAID


async def test_a_notice_of_another_application_is_not_ours(shop: Counter) -> None:
    number = new_number()
    await act(shop, shop.agreements.sign(number).url, "sign")
    await shop.notices()
    _, headers, body = shop.heard[-1]
    reader = shop.readers[Vendor.ALIPAY]
    assert isinstance(reader.read(headers, body), AgreementNotice)
    said = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    for change in ({"app_id": "1"}, {"status": "UNSIGN"}, {"external_agreement_no": "za1_x"}):
        with pytest.raises(NotAuthentic):
            reader.read(headers, urlencode(said | change).encode())
    object.__setattr__(reader._account.merchant, "app_id", "2021000000000009")  # type: ignore[attr-defined]
    with pytest.raises(NotAuthentic, match="another application"):
        reader.read(headers, body)


async def test_the_sandbox_refuses_what_alipay_would(shop: Counter) -> None:
    other = AlipayAgreements(shop.agreements._account, shop.agreements._caller, clock=shop.clock, scene="INDUSTRY|NONE")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shop.there.app)) as client:
        answer = (await client.get(other.sign(new_number()).url)).json()
        assert answer["alipay_user_agreement_page_sign_response"]["sub_code"] == "isv.invalid-parameter"
        for path, data in (("/cashier/agreements/none", None), ("/cashier/agreements/funds", {"yuan": "x"})):
            url = f"{HOST}{path}"
            assert (await (client.get(url) if data is None else client.post(url, data=data))).status_code == 409


async def test_the_desk_shows_agreements_to_people(shop: Counter) -> None:
    number = new_number()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shop.there.app), follow_redirects=True) as client:
        page = await client.get(shop.agreements.sign(number).url)
        assert number in page.text
        assert "签约 Sign" in page.text
        signed_page = await client.post(f"{page.url}/sign")
        assert "解约 End" in signed_page.text
        assert "解约 End" not in (await client.post(f"{page.url}/end")).text
        listed = await client.post(f"{HOST}/cashier/agreements/funds", data={"yuan": "12.50"})
        assert number in listed.text
        assert 'value="12.50"' in listed.text
        assert shop.there.withholding.agreed.funds == 1250


def test_agreements_are_read_again_and_a_torn_line_left_out(tmp_path: Path) -> None:
    journal = tmp_path / "agreements.jsonl"
    book = AgreementBook(journal, clock=HandClock())
    first, second = (book.open(Kept(new_number(), "s", "")) for _ in range(2))
    book.sign(first)
    book.end(first)
    book.sign(second)
    with journal.open("ab") as file:
        file.write(b'{"number":')
    again = AgreementBook(journal, clock=HandClock())
    assert list(again) == [first, second]
    with pytest.raises(Refused, match="AGREED"):
        again.open(Kept(first.number, "s", ""))
