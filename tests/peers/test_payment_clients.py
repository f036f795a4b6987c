"""Clients of WeChat Pay and Alipay that nobody here wrote, on our sandbox of both: they judge its wire format."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import alipay
import httpx
import pytest
import wechatpayv3
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.community.payments.ports import Vendor
from integrations.payments.alipay.bill import read_bill as read_alipay_bill
from integrations.payments.alipay.certificates import root_serial, serial_of
from integrations.payments.alipay.signing import CHINA
from integrations.payments.sandbox import keys as said
from integrations.payments.sandbox.app import Sandbox, sandbox
from integrations.payments.sandbox.authority import Issuer, pems
from integrations.payments.sandbox.book import Trade
from integrations.payments.sandbox.keys import certificate_pem, made_keys, private_pem, public_pem
from integrations.payments.wechat.bill import read_bill
from tests.factories.patience import PATIENCE
from tests.factories.payments import START, keys
from tests.factories.processes import served
from tests.peers.conftest import RunPeer

pytestmark = pytest.mark.peer

Heard = list[tuple[dict[str, str], bytes]]


@dataclass(frozen=True)
class Shop:
    """The sandbox on a port, and a merchant's notification endpoint."""

    there: Sandbox
    gateway: str
    notify: str
    heard: Heard
    yesterday: str

    def pay(self, code: str) -> None:
        """The buyer scans and pays."""
        self.there.cashier.pay(self.there.cashier.scanned(code))

    async def notice(self) -> tuple[dict[str, str], bytes]:
        """What arrives next."""
        begun = len(self.heard)
        await self.there.notices.deliver()
        return self.heard[begun]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    heard: Heard = []

    async def endpoint(request: Request) -> Response:
        heard.append((dict(request.headers), await request.body()))
        return Response("success" if request.url.path == "/alipay" else None)

    ours = Starlette(routes=[Route("/{vendor}", endpoint, methods=["POST"])])
    async with httpx.AsyncClient(timeout=PATIENCE) as client, served(ours) as port:
        there = sandbox(keys(), client, refund_seconds=0)
        day = datetime.now(UTC) - timedelta(days=1)
        for vendor in Vendor:
            trade = Trade(vendor, f"{vendor}-old", "native", 500, "物业费, 二月", "", "", day, day)
            there.book.open(trade)
            trade.expires_at += timedelta(days=2)
            there.book.pay(trade, payer="oPayer")
            trade.paid_at = day
        async with served(there.app) as gateway:
            made = Shop(
                there, f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{port}", heard,
                day.astimezone(CHINA).date().isoformat(),
            )  # fmt: skip
            yield made


@pytest.fixture
async def delivering(shop: Shop) -> AsyncIterator[Shop]:
    """The sandbox sends by itself, as its process does."""
    running = asyncio.create_task(shop.there.notices.run())
    yield shop
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_wechatpay_axios_plugin_pays_refunds_and_verifies(delivering: Shop, run_peer: RunPeer) -> None:
    made = keys()
    task = {
        "gateway": delivering.gateway,
        "merchant": {
            "mchid": said.MCHID, "appid": said.APPID, "serial": said.MERCHANT_SERIAL,
            "privateKey": private_pem(made.merchant),
        },
        "keys": {
            made.certificate_serial: certificate_pem(made.certificate),
            said.PUBLIC_KEY_ID: public_pem(made.platform.public_key()),
        },
        "apiKey": made.api_key.decode(),
        "strangersKey": private_pem(made.app),
        "day": delivering.yesterday,
    }  # fmt: skip
    for seen in await run_peer("wechatpay.mjs", task):
        number = seen["told"][0]
        assert seen == {
            "same": True,
            "changed": [403, "OUT_TRADE_NO_USED"],
            "before": "NOTPAY",
            "verified": True,
            "paid": "SUCCESS",
            "told": [number, 1234, True],
            "paidAgain": [400, "ORDERPAID"],
            "refunding": "PROCESSING",
            "refundChanged": [400, "INVALID_REQUEST"],
            "refunded": ["SUCCESS", 234],
            "closed": 204,
            "absent": [404, "ORDER_NOT_EXIST"],
            "stranger": [401, "SIGN_ERROR"],
            "certificate": True,
            "bill": ["/v3/billdownload/file", True, 1, "wechat-old", "5.00"],
        }


async def test_alipay_sdk_pays_refunds_and_verifies(delivering: Shop, run_peer: RunPeer) -> None:
    made = keys()
    task = {
        "gateway": delivering.gateway,
        "appId": said.ALIPAY_APP_ID,
        "privateKey": private_pem(made.app),
        "publicKey": public_pem(made.alipay.public_key()),
        "strangersKey": private_pem(made.merchant),
        "day": delivering.yesterday,
        "scene": said.SIGN_SCENE,
    }
    assert await run_peer("alipay.mjs", task) == {
        "utility": ["33000000010009", 1, "1.25", "BILL_KEY_NOT_EXIST"],
        "same": True,
        "changed": "ACQ.CONTEXT_INCONSISTENT",
        "before": "ACQ.TRADE_NOT_EXIST",
        "verified": True,
        "tampered": False,
        "paid": ["TRADE_SUCCESS", "12.34"],
        "refunding": ["Y", "N"],
        "refundChanged": "ACQ.DISCORDANT_REPEAT_REQUEST",
        "refunded": ["REFUND_SUCCESS", "2.34"],
        "told": ["TRADE_SUCCESS", "TRADE_SUCCESS", "2.34", True],
        "app": "TRADE_SUCCESS",
        "page": [303, "10000"],
        "refused": "isv.invalid-signature",
        "bill": "PK",
        "agreement": ["USER_AGREEMENT_NOT_EXIST", "NORMAL", True, "10000"],
        "toldOfAgreement": [
            ["dut_user_sign", "NORMAL", "sdk_a1", True],
            ["dut_user_unsign", "UNSIGN", "sdk_a1", True],
        ],
        "taken": ["10000", "8.88", "ACQ.TRADE_HAS_SUCCESS", "ACQ.AGREEMENT_NOT_EXIST"],
    }


async def test_alipay_sdk_in_certificate_mode(delivering: Shop, run_peer: RunPeer) -> None:
    made = keys()
    certificates = made.certificates
    other = Issuer.root("示例根证书 R2", START).certify("x", made.app.public_key(), START)
    many = (*certificates.roots, other, certificates.app)
    task = {
        "gateway": delivering.gateway,
        "appId": said.ALIPAY_APP_ID,
        "privateKey": private_pem(made.app),
        "app": pems(certificates.app),
        "alipay": pems(*certificates.alipay),
        "roots": pems(*certificates.roots),
        "others": [pems(each) for each in many],
        "manyRoots": pems(*many),
    }
    assert await run_peer("alipay-certificates.mjs", task) == {
        "serials": [serial_of(certificates.app), root_serial(certificates.roots), serial_of(certificates.alipay[0])],
        "others": [serial_of(each) for each in many],
        "roots": root_serial(many),
        "verified": True,
        "tampered": False,
        "paid": ["TRADE_SUCCESS", "12.34"],
        "fetched": True,
    }


@pytest.mark.filterwarnings("ignore:X509.get_:DeprecationWarning")  # the SDK's own
async def test_python_alipay_sdk_in_certificate_mode(shop: Shop) -> None:
    made = keys()
    certificates = made.certificates
    client: Any = alipay.DCAliPay(
        appid=said.ALIPAY_APP_ID,
        app_notify_url=f"{shop.notify}/alipay",
        app_private_key_string=private_pem(made.app),
        app_public_key_cert_string=pems(certificates.app),
        alipay_public_key_cert_string=pems(*certificates.alipay),
        alipay_root_cert_string=pems(*certificates.roots),
    )
    client._gateway = f"{shop.gateway}/gateway.do"
    assert (client.app_cert_sn, client.alipay_root_cert_sn) == (
        serial_of(certificates.app),
        root_serial(certificates.roots),
    )
    arguments = {"subject": "物业费/三月", "out_trade_no": "py-cert", "total_amount": "12.34"}
    opened = await asyncio.to_thread(client.api_alipay_trade_precreate, **arguments)
    shop.pay(opened["qr_code"])
    _, body = await shop.notice()
    told = dict(parse_qsl(body.decode()))
    signature = told.pop("sign")
    assert client.verify(told, signature)
    paid = await asyncio.to_thread(client.api_alipay_trade_query, out_trade_no="py-cert")
    assert paid["trade_status"] == "TRADE_SUCCESS"


def wechatpayv3_client(shop: Shop, *, folder: Path | None, private_key: str | None = None) -> Any:
    """In certificate mode when there is a ``folder``, else in public-key mode."""
    made = keys()
    mode: dict[str, Any] = {
        "public_key": public_pem(made.platform.public_key()), "public_key_id": said.PUBLIC_KEY_ID,
    }  # fmt: skip
    if folder is not None:
        (folder / "platform.pem").write_text(certificate_pem(made.certificate))
        mode = {"cert_dir": str(folder)}
    client: Any = wechatpayv3.WeChatPay(
        wechatpay_type=wechatpayv3.WeChatPayType.NATIVE,
        mchid=said.MCHID,
        private_key=private_key or private_pem(made.merchant),
        cert_serial_no=said.MERCHANT_SERIAL,
        appid=said.APPID,
        apiv3_key=made.api_key.decode(),
        notify_url=f"{shop.notify}/wechat",
        timeout=(PATIENCE, PATIENCE),
        **mode,
    )
    client._core._gate_way = shop.gateway
    return client


@pytest.mark.parametrize("mode", ["certificate", "public_key"])
async def test_wechatpayv3_pays_refunds_and_verifies(shop: Shop, tmp_path: Path, mode: str) -> None:
    client = wechatpayv3_client(shop, folder=tmp_path if mode == "certificate" else None)
    if mode == "certificate":
        client._core._certificates.clear()  # it fetches them from the gateway, sealed

    async def ask(call: Callable[..., Any], **arguments: Any) -> tuple[int, Any]:
        code, text = await asyncio.to_thread(call, **arguments)
        return code, json.loads(text) if text else None

    amount = {"total": 1234, "currency": "CNY"}
    code, opened = await ask(client.pay, description="物业费/三月", out_trade_no="python1", amount=amount)
    assert code == 200
    assert (await ask(client.pay, description="别的", out_trade_no="python1", amount=amount))[0] == 403
    assert (await ask(client.query, out_trade_no="python1"))[1]["trade_state"] == "NOTPAY"

    shop.pay(opened["code_url"])
    headers, body = await shop.notice()

    told = await asyncio.to_thread(client.callback, headers, body)
    assert (told["event_type"], told["resource"]["amount"]["total"]) == ("TRANSACTION.SUCCESS", 1234)
    assert not await asyncio.to_thread(client.callback, headers, body.replace(b"SUCCESS", b"success"))
    assert (await ask(client.query, out_trade_no="python1"))[1]["trade_state"] == "SUCCESS"
    back = {"refund": 234, "total": 1234, "currency": "CNY"}
    code, refund = await ask(client.refund, out_trade_no="python1", out_refund_no="python1r", amount=back)
    assert (code, refund["status"]) == (200, "PROCESSING")
    assert (await ask(client.query_refund, out_refund_no="python1r"))[1]["status"] == "SUCCESS"
    headers, body = await shop.notice()
    assert (await asyncio.to_thread(client.callback, headers, body))["resource"]["refund_status"] == "SUCCESS"
    await ask(client.pay, description="物业费", out_trade_no="python2", amount=amount)
    assert await ask(client.close, out_trade_no="python2") == (204, None)
    assert (await ask(client.query, out_trade_no="python2"))[1]["trade_state"] == "CLOSED"

    _, bill = await ask(client.trade_bill, bill_date=shop.yesterday)
    _, packed = await asyncio.to_thread(client.download_bill, bill["download_url"])
    plain = gzip.decompress(packed)
    assert hashlib.sha1(plain).hexdigest() == bill["hash_value"]  # noqa: S324 - what the vendor states
    assert [row.out_trade_no for row in read_bill(plain).rows] == ["wechat-old"]


async def test_a_strangers_key_is_refused_to_wechatpayv3(shop: Shop) -> None:
    client = wechatpayv3_client(shop, folder=None, private_key=private_pem(made_keys(datetime.now(UTC)).merchant))
    code, text = await asyncio.to_thread(client.query, out_trade_no="python1")
    assert (code, json.loads(text)["code"]) == (401, "SIGN_ERROR")


async def test_python_alipay_sdk_pays_refunds_and_verifies(shop: Shop) -> None:
    made = keys()
    client: Any = alipay.AliPay(
        appid=said.ALIPAY_APP_ID,
        app_notify_url=f"{shop.notify}/alipay",
        app_private_key_string=private_pem(made.app),
        alipay_public_key_string=public_pem(made.alipay.public_key()),
    )
    client._gateway = f"{shop.gateway}/gateway.do"

    async def ask(name: str, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await asyncio.to_thread(getattr(client, f"api_alipay_trade_{name}"), **arguments)
        return answer

    opened = await ask("precreate", subject="物业费/三月", out_trade_no="py-1", total_amount="12.34")
    assert (await ask("query", out_trade_no="py-1"))["sub_code"] == "ACQ.TRADE_NOT_EXIST"

    shop.pay(opened["qr_code"])
    _, body = await shop.notice()

    told = dict(parse_qsl(body.decode()))
    signature = told.pop("sign")
    assert client.verify(dict(told), signature)
    assert not client.verify(told | {"total_amount": "0.01"}, signature)
    assert (await ask("query", out_trade_no="py-1"))["trade_status"] == "TRADE_SUCCESS"
    refund = await ask("refund", refund_amount="2.34", out_trade_no="py-1", out_request_no="py-1r")
    assert (refund["fund_change"], refund["refund_fee"]) == ("Y", "2.34")
    again = await ask("fastpay_refund_query", out_request_no="py-1r", out_trade_no="py-1")
    assert (again["refund_status"], again["refund_amount"]) == ("REFUND_SUCCESS", "2.34")
    for number, name in (("py-2", "app"), ("py-3", "wap"), ("py-4", "page")):
        sign = getattr(client, f"api_alipay_trade_{name}_pay")
        shop.pay(sign(subject="停车费", out_trade_no=number, total_amount="1.00"))
        assert (await ask("query", out_trade_no=number))["trade_status"] == "TRADE_SUCCESS"
    code = (await ask("precreate", subject="停车费", out_trade_no="py-5", total_amount="1.00"))["qr_code"]
    shop.there.cashier.scanned(code)
    assert (await ask("close", out_trade_no="py-5"))["code"] == "10000"
    named = {"external_agreement_no": "py_a1", "personal_product_code": "GENERAL_WITHHOLDING_P"}
    named |= {"sign_scene": said.SIGN_SCENE, "product_code": "GENERAL_WITHHOLDING"}
    asked, desk = named | {"access_params": {"channel": "QRCODE"}}, shop.there.withholding
    page = client.client_api("alipay.user.agreement.page.sign", asked, notify_url=f"{shop.notify}/alipay")
    desk.sign(desk.opened(f"https://gateway.test?{page}"))
    await shop.notice()
    heard = [dict(parse_qsl(body.decode())) for _, body in shop.heard]
    (told,) = [each for each in heard if each["notify_type"] == "dut_user_sign"]
    signature = told.pop("sign")
    assert client.verify(dict(told), signature)
    agreed = await asyncio.to_thread(client.server_api, "alipay.user.agreement.query", named)
    assert (agreed["status"], agreed["agreement_no"]) == ("NORMAL", told["agreement_no"])
    paying: dict[str, Any] = {"subject": "物业费", "out_trade_no": "py-6", "total_amount": "8.88"}
    paying |= {"product_code": "GENERAL_WITHHOLDING", "agreement_params": {"agreement_no": agreed["agreement_no"]}}
    assert (await asyncio.to_thread(client.server_api, "alipay.trade.pay", paying))["total_amount"] == "8.88"
    content = {"bill_type": "trade", "bill_date": shop.yesterday}
    bill = await asyncio.to_thread(client.server_api, "alipay.data.dataservice.bill.downloadurl.query", content)
    async with httpx.AsyncClient(timeout=PATIENCE) as fetching:
        packed = (await fetching.get(bill["bill_download_url"])).content
    assert len(zipfile.ZipFile(io.BytesIO(packed)).namelist()) == 2
    assert [row.out_trade_no for row in read_alipay_bill(packed)] == ["alipay-old"]
