"""Notifications of both vendors: each signed byte counts, old ones are refused, and what needs no act is passed by."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import orjson
import pytest
from starlette.responses import Response

from domain.community.payments.ports import Channel, Notice, NoticeKind, RefundState, Vendor
from integrations.payments import rsa
from integrations.payments.notices import NotAuthentic, NotUnderstood
from integrations.payments.sandbox.alipay import _sorted
from integrations.payments.sandbox.keys import PUBLIC_KEY_ID
from integrations.payments.sandbox.wechat_wire import WechatWire
from tests.factories.payments import Counter, Heard, keys


async def heard(shop: Counter, channel: Channel) -> Heard:
    """A paid trade's notification as it arrived."""
    port = shop.port(channel.vendor)
    await shop.pay((await port.create(shop.trade(channel))).url)
    await shop.there.notices.deliver()
    _, headers, body = shop.heard[-1]
    return headers, body


@pytest.fixture
async def wechat(shop: Counter) -> Heard:
    return await heard(shop, Channel.WECHAT_NATIVE)


@pytest.fixture
async def alipay(shop: Counter) -> Heard:
    return await heard(shop, Channel.ALIPAY_QR)


def read(shop: Counter, vendor: Vendor, headers: dict[str, str], body: bytes) -> Notice | None:
    return shop.readers[vendor].read(headers, body)


@pytest.mark.parametrize("name", ["timestamp", "nonce", "serial", "signature"])
async def test_each_signed_header_of_wechat_counts(shop: Counter, wechat: Heard, name: str) -> None:
    headers, body = wechat
    header = f"wechatpay-{name}"
    value = headers[header]
    other = value[:-5] + ("1" if value[-5] != "1" else "2") + value[-4:]  # the last of base64 has bits that say nothing
    for bad in (headers | {header: other}, headers | {header: ""}, {n: v for n, v in headers.items() if n != header}):
        with pytest.raises(NotAuthentic):
            read(shop, Vendor.WECHAT, bad, body)
    assert read(shop, Vendor.WECHAT, headers, body) is not None


async def test_each_byte_of_wechats_body_counts(shop: Counter, wechat: Heard) -> None:
    headers, body = wechat
    said = json.loads(body)
    values = [each for each in (*said.values(), *said["resource"].values()) if isinstance(each, str)]
    places = {body.index(value.encode()) for value in values} | {0, len(body) - 1}
    places |= {body.index(f'"{name}"'.encode()) + 1 for name in (*said, *said["resource"])}
    for at in places:
        with pytest.raises(NotAuthentic):
            read(shop, Vendor.WECHAT, headers, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    for other in (
        body + b"\n",
        body[:-1],
        b"",
        json.dumps(said).encode(),
        orjson.dumps(said, option=orjson.OPT_INDENT_2),
    ):
        with pytest.raises(NotAuthentic):
            read(shop, Vendor.WECHAT, headers, other)


@pytest.mark.parametrize("seconds", [300, 86_400, -300])
async def test_stale_and_early_ones_of_wechat_are_refused(shop: Counter, wechat: Heard, seconds: int) -> None:
    shop.clock.forward(seconds=seconds - (1 if seconds > 0 else -1))
    if abs(seconds) == 300:
        assert read(shop, Vendor.WECHAT, *wechat) is not None
    shop.clock.forward(seconds=1 if seconds > 0 else -1)
    with pytest.raises(NotAuthentic):
        read(shop, Vendor.WECHAT, *wechat)


def signed(shop: Counter, body: bytes) -> Heard:
    return {
        name.lower(): value
        for name, value in WechatWire(keys()).signed(body, now=shop.clock.now, serial=PUBLIC_KEY_ID).items()
    }, body


def wechat_notice(shop: Counter, event: str, resource: object, *, wire: WechatWire | None = None) -> Heard:
    """One that WeChat Pay did sign, whatever it says."""
    wire = wire or WechatWire(keys())
    body = wire.notice(id_="n", event=event, summary="", kind="x", resource=resource, at=shop.clock.now)  # type: ignore[arg-type]
    return signed(shop, body)


REFUND = {
    "mchid": "1", "out_trade_no": "T1", "transaction_id": "4", "out_refund_no": "R1", "refund_id": "5",
    "refund_status": "ABNORMAL", "amount": {"total": 10, "refund": 3},
}  # fmt: skip
PAID = {
    "mchid": "1", "appid": "wx", "out_trade_no": "T1", "transaction_id": "4", "trade_state": "SUCCESS",
    "success_time": "2026-03-02T11:00:00+08:00", "amount": {"total": 10, "payer_total": 7, "currency": "CNY"},
}  # fmt: skip


async def test_a_coupon_does_not_lessen_what_was_paid_and_a_failed_refund_is_told(shop: Counter) -> None:
    paid = read(shop, Vendor.WECHAT, *wechat_notice(shop, "TRANSACTION.SUCCESS", PAID))
    assert paid is not None
    assert (paid.amount_fen, paid.kind) == (10, NoticeKind.PAID)
    for event in ("REFUND.ABNORMAL", "REFUND.CLOSED"):
        told = read(shop, Vendor.WECHAT, *wechat_notice(shop, event, REFUND))
        assert told is not None
        assert (told.refund_state, told.amount_fen, told.out_refund_no) == (RefundState.FAILED, 3, "R1")
    assert read(shop, Vendor.WECHAT, *wechat_notice(shop, "PAYSCORE.USER_PAID", {})) is None


@pytest.mark.parametrize(
    "resource",
    [
        {},
        [],
        PAID | {"amount": {"total": "10"}},
        PAID | {"amount": {"total": True}},
        PAID | {"amount": []},
        PAID | {"out_trade_no": 7},
        PAID | {"out_trade_no": ""},
        PAID | {"success_time": "yesterday"},
        PAID | {"trade_state": "NOTPAY"},
        {name: value for name, value in PAID.items() if name != "appid"},
    ],
)
async def test_what_wechat_signed_but_nobody_understands_is_refused(shop: Counter, resource: object) -> None:
    with pytest.raises(NotUnderstood):
        read(shop, Vendor.WECHAT, *wechat_notice(shop, "TRANSACTION.SUCCESS", resource))


async def test_a_seal_of_another_key_and_bodies_of_another_form_are_refused(shop: Counter) -> None:
    other = WechatWire(replace(keys(), api_key=b"0" * 32))
    with pytest.raises(NotUnderstood):
        read(shop, Vendor.WECHAT, *wechat_notice(shop, "TRANSACTION.SUCCESS", PAID, wire=other))
    for body in (b"", b"{}", b"[]", b"null", b"\xff", b'{"id":1,"resource":{}}', b"[" * 10_000):
        with pytest.raises(NotUnderstood):
            read(shop, Vendor.WECHAT, *signed(shop, body))


async def test_each_parameter_of_alipay_counts(shop: Counter, alipay: Heard) -> None:
    headers, body = alipay
    said = dict(parse_qsl(body.decode(), keep_blank_values=True))
    assert "fund_bill_list" in said
    for name, value in said.items():
        changed, without = said | {name: value + "1"}, {n: v for n, v in said.items() if n != name}
        for other in (changed, without):
            with pytest.raises(NotAuthentic):
                read(shop, Vendor.ALIPAY, headers, urlencode(other).encode())
    for raw in (body + b"&extra=1", body + b"&total_amount=0.01", b"", b"\xff=1", json.dumps(said).encode()):
        with pytest.raises(NotAuthentic):
            read(shop, Vendor.ALIPAY, headers, raw)
    assert read(shop, Vendor.ALIPAY, headers, body) is not None


@pytest.mark.parametrize(("hours", "fresh"), [(25, True), (26, False), (-0.09, False)])
async def test_alipays_come_for_a_day_and_no_longer(shop: Counter, alipay: Heard, hours: float, fresh: bool) -> None:
    shop.clock.forward(hours=hours)
    if fresh:
        assert read(shop, Vendor.ALIPAY, *alipay) is not None
    else:
        with pytest.raises(NotAuthentic):
            read(shop, Vendor.ALIPAY, *alipay)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"trade_status": "WAIT_BUYER_PAY"}, "passed"),
        ({"trade_status": "TRADE_CLOSED"}, "passed"),
        ({"notify_type": "dut_user_sign"}, "passed"),
        ({"refund_fee": "1.00"}, "passed"),
        ({"trade_status": "TRADE_FINISHED"}, "taken"),
        ({"total_amount": "1.005"}, "refused"),
        ({"total_amount": "-"}, "refused"),
        ({"gmt_payment": ""}, "refused"),
        ({"notify_time": "now"}, "refused"),
        ({"seller_id": ""}, "refused"),
    ],
)
async def test_what_alipay_says_is_taken_passed_by_or_refused(
    shop: Counter, alipay: Heard, said: dict[str, str], what: str
) -> None:
    whole = dict(parse_qsl(alipay[1].decode(), keep_blank_values=True)) | said
    whole = {name: value for name, value in whole.items() if name not in ("sign", "sign_type")}
    body = urlencode(whole | {"sign": rsa.sign(keys().alipay, _sorted(whole)), "sign_type": "RSA2"}).encode()
    if what == "refused":
        with pytest.raises(NotUnderstood):
            read(shop, Vendor.ALIPAY, {}, body)
    else:
        assert (read(shop, Vendor.ALIPAY, {}, body) is None) == (what == "passed")


async def test_a_notification_comes_again_until_it_is_acknowledged(shop: Counter) -> None:
    for channel, refusal in (
        (Channel.WECHAT_NATIVE, Response('{"code":"FAIL","message":"失败"}', 500)),
        (Channel.ALIPAY_QR, Response("SUCCESS")),  # seven other bytes are not those
    ):
        shop.answers[channel.vendor] = refusal
        port = shop.port(channel.vendor)
        await shop.pay((await port.create(shop.trade(channel))).url)
        first = await shop.notices()
        assert await shop.notices() == []
        shop.clock.forward(minutes=4)
        second = await shop.notices()
        del shop.answers[channel.vendor]
        shop.clock.forward(minutes=10)
        third = await shop.notices()
        assert first == second == third
        assert first[0] is not None
        shop.clock.forward(days=2)
        assert await shop.notices() == []


async def test_it_is_given_up_after_the_last_try(shop: Counter) -> None:
    shop.answers = {vendor: Response(status_code=500) for vendor in Vendor}
    for channel in (Channel.WECHAT_NATIVE, Channel.ALIPAY_QR):
        await shop.pay((await shop.port(channel.vendor).create(shop.trade(channel))).url)
    tries = 0
    for _ in range(400):
        tries += await shop.there.notices.deliver()
        shop.clock.forward(minutes=5)
    assert (tries, shop.there.notices.waiting) == (16 + 8, [])
