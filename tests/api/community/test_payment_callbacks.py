"""What vendors report is taken once, over their real wire format; whatever is not theirs, changed or old is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from api.community.payments.callbacks import BODY_BYTES, PaymentCallbacks
from api.community.payments.intake import NoticeIntake
from domain.community.payments.ports import Channel, Notice, Vendor
from domain.community.payments.settling import take_notices
from domain.kernel.errors import Unavailable
from domain.kernel.uow import Database
from tests.factories.ingest import Ingest
from tests.factories.payments import Counter, Heard, counter
from tests.factories.till import Till
from tests.factories.world import World

CODES = {Vendor.WECHAT: Channel.WECHAT_NATIVE, Vendor.ALIPAY: Channel.ALIPAY_QR}
TAKEN = {Vendor.WECHAT: (204, b""), Vendor.ALIPAY: (200, b"success")}
FAILED = {Vendor.WECHAT: '{"code":"FAIL","message":"失败"}'.encode(), Vendor.ALIPAY: b"failure"}


@dataclass
class Reports:
    """Our endpoints over a database with orders, and both vendors."""

    till: Till
    shop: Counter
    client: httpx.AsyncClient

    async def paid(self, vendor: Vendor, *amounts: int) -> Heard:
        """An order that somebody pays at the vendor; what the vendor then sends us."""
        bought = await self.till.bought(*amounts or (1000,), channel=CODES[vendor])
        self.shop.there.cashier.pay(self.shop.there.book.find(vendor, out_trade_no=bought.number))
        await self.shop.there.notices.deliver()
        _, headers, body = self.shop.heard[-1]
        return headers, body

    async def post(self, vendor: Vendor, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        kept = {name: value for name, value in headers.items() if name.startswith(("wechatpay", "content-type"))}
        answer = await self.client.post(f"/callbacks/{vendor}", content=body, headers=kept)
        return answer.status_code, answer.content

    async def orders(self) -> list[str]:
        return await self.till.states("payment_order")


@pytest.fixture
async def reports(world: World, clocked: Database, superuser: asyncpg.Connection) -> AsyncIterator[Reports]:
    async with counter() as shop:
        shop.clock.now = clocked.clock()
        till = Till(world, clocked, superuser)
        till.vendors = cast("Any", {vendor: shop.port(vendor) for vendor in Vendor})
        app = Starlette(routes=PaymentCallbacks(NoticeIntake(clocked), shop.readers, body_seconds=0.5).routes())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://zhian.test") as client:
            yield Reports(till, shop, client)


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_a_payment_is_credited_once_however_often_it_is_told(reports: Reports, vendor: Vendor) -> None:
    headers, body = await reports.paid(vendor)
    answers = await asyncio.gather(*(reports.post(vendor, headers, body) for _ in range(5)))
    assert answers == [TAKEN[vendor]] * 5
    assert await reports.post(vendor, headers, body) == TAKEN[vendor]
    assert await reports.orders() == ["paid"]
    assert len(await reports.till.rows("receipt")) == 1
    await reports.till.sound()


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_what_is_changed_old_or_anothers_is_refused_and_does_nothing(reports: Reports, vendor: Vendor) -> None:
    headers, body = await reports.paid(vendor)
    other = Vendor.ALIPAY if vendor is Vendor.WECHAT else Vendor.WECHAT
    refused = (401, FAILED[vendor])
    assert await reports.post(vendor, headers, body + b" ") == refused
    assert await reports.post(vendor, headers, body.replace(b"a", b"b", 1)) == refused
    assert await reports.post(vendor, {}, b"") == refused
    assert (await reports.post(other, headers, body))[0] == 401
    if vendor is Vendor.WECHAT:
        for name in ("timestamp", "nonce", "signature", "serial"):
            changed = headers | {f"wechatpay-{name}": headers[f"wechatpay-{name}"][::-1]}
            assert await reports.post(vendor, changed, body) == refused
        twice = [*headers.items(), ("wechatpay-nonce", headers["wechatpay-nonce"])]
        answer = await reports.client.post("/callbacks/wechat", content=body, headers=twice)
        assert (answer.status_code, answer.content) == refused
    reports.shop.clock.forward(hours=27)
    assert await reports.post(vendor, headers, body) == refused
    assert await reports.orders() == ["open"]
    assert await reports.till.rows("payment_attempt") != {}
    await reports.till.sound()


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_large_and_slow_bodies_and_other_methods_are_refused(reports: Reports, vendor: Vendor) -> None:
    path = f"/callbacks/{vendor}"

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    assert (await reports.client.post(path, content=b" " * (BODY_BYTES + 1))).status_code == 413
    assert (await reports.client.post(path, content=slow())).status_code == 408
    assert (await reports.client.get(path)).status_code == 405


async def test_what_needs_no_act_is_acknowledged(reports: Reports) -> None:
    """Alipay's notification of a closed trade."""
    bought = await reports.till.bought(1000, channel=Channel.ALIPAY_QR)
    reports.shop.there.book.see(reports.shop.there.book.find(Vendor.ALIPAY, out_trade_no=bought.number))
    await reports.shop.alipay.close(bought.number)
    await reports.shop.there.notices.deliver()
    _, headers, body = reports.shop.heard[-1]
    assert b"TRADE_CLOSED" in body
    assert await reports.post(Vendor.ALIPAY, headers, body) == TAKEN[Vendor.ALIPAY]
    assert await reports.orders() == ["open"]


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_what_cannot_be_taken_now_is_asked_for_again(
    reports: Reports, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, body = await reports.paid(vendor)

    async def down(*_: object) -> list[str]:
        raise Unavailable

    with monkeypatch.context() as broken:
        broken.setattr("api.community.payments.intake.take_notices", down)
        assert await reports.post(vendor, headers, body) == (500, FAILED[vendor])
    assert await reports.orders() == ["open"]
    assert await reports.post(vendor, headers, body) == TAKEN[vendor]
    assert await reports.orders() == ["paid"]


async def test_one_bad_notice_of_a_batch_harms_no_other(reports: Reports, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = [await reports.paid(vendor, 100 + n) for n in range(3) for vendor in Vendor]
    bad = reports.shop.readers[Vendor.WECHAT].read(*heard[0])
    assert bad is not None

    async def but_one(uow: Any, notices: list[Notice]) -> list[str]:
        if any(notice.out_trade_no == bad.out_trade_no for notice in notices):
            raise Unavailable
        return await take_notices(uow, notices)

    monkeypatch.setattr("api.community.payments.intake.take_notices", but_one)
    vendors = [vendor for _ in range(3) for vendor in Vendor]
    answers = await asyncio.gather(*(reports.post(vendor, *each) for vendor, each in zip(vendors, heard, strict=True)))
    assert answers == [(500, FAILED[Vendor.WECHAT]), *(TAKEN[vendor] for vendor in vendors[1:])]
    assert await reports.orders() == ["open", *["paid"] * 5]


async def test_who_goes_away_does_not_stop_what_was_begun(reports: Reports) -> None:
    headers, body = await reports.paid(Vendor.WECHAT)
    asking = asyncio.create_task(reports.post(Vendor.WECHAT, headers, body))
    for _ in range(20):
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert await reports.post(Vendor.WECHAT, headers, body) == TAKEN[Vendor.WECHAT]
    assert await reports.orders() == ["paid"]
    await reports.till.sound()


async def test_a_crowd_of_notices_half_of_them_twice_is_credited_once_each(reports: Reports) -> None:
    heard = [await reports.paid(vendor, 100 + n) for n in range(20) for vendor in Vendor]
    vendors = [vendor for _ in range(20) for vendor in Vendor]
    answers = await asyncio.gather(
        *(reports.post(vendor, *each) for vendor, each in [*zip(vendors, heard, strict=True)] * 2)
    )
    assert answers == [TAKEN[vendor] for vendor in vendors] * 2
    assert await reports.orders() == ["paid"] * 40
    await reports.till.sound()


async def test_vendors_without_an_account_have_no_endpoint(ingest: Ingest) -> None:
    for vendor in Vendor:
        assert (await ingest.client.post(f"/callbacks/{vendor}", content=b"{}")).status_code == 404
