"""The sandbox as the process of ``zhian up --demo``: our adapters over the guarded transport, a buyer at the terminal,
notifications that arrive by themselves, and trades that outlive a kill.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typer.testing import CliRunner

from cli.demo import app
from cli.running import RunState, write_state
from domain.community.payments.autopay.ports import AgreementNotice, AgreementState
from domain.community.payments.ports import Channel, NewTrade, Notice, TradeState, Vendor
from domain.kernel.clock import system_clock
from integrations.payments.gateways import Payments, payments
from integrations.payments.sandbox.keys import FOLDER, environment
from integrations.settings import read_settings
from tests.factories.patience import PATIENCE
from tests.factories.payments import HOST, counter
from tests.factories.ports import free_port
from tests.factories.processes import process, served

MODULE = "integrations.payments.sandbox.main"


@asynccontextmanager
async def sandbox_process(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process on ``folder``."""
    given = {"ZHIAN_DATA_DIR": str(folder), "ZHIAN_SANDBOX_PORT": str(port)}
    async with process(MODULE, port, folder, **given) as started:
        yield started


async def test_the_demo_pays_and_the_sandbox_remembers(tmp_path: Path) -> None:
    port, heard = free_port(), asyncio.Queue[Notice | AgreementNotice]()
    async with AsyncExitStack() as stack:
        found: list[Payments] = []

        async def endpoint(request: Request) -> Response:
            vendor = Vendor(request.path_params["vendor"])
            notice = found[0].readers[vendor].read(dict(request.headers), await request.body())
            assert notice is not None
            heard.put_nowait(notice)
            return Response("success" if vendor is Vendor.ALIPAY else None)

        ours = await stack.enter_async_context(
            served(Starlette(routes=[Route("/callbacks/{vendor}", endpoint, methods=["POST"])]))
        )
        trades = [
            NewTrade(f"demo-{channel.vendor}", channel, 1000, "物业费", datetime.now(UTC) + timedelta(hours=1))
            for channel in (Channel.WECHAT_NATIVE, Channel.ALIPAY_QR)
        ]
        async with sandbox_process(tmp_path, port) as first:
            settings = read_settings(
                environment(tmp_path / FOLDER, f"http://127.0.0.1:{port}")
                | {
                    "ZHIAN_DATABASE_URL": "postgresql://x",
                    "ZHIAN_PUBLIC_URL": f"http://127.0.0.1:{ours}",
                    "ZHIAN_OUTGOING_NETWORKS": "127.0.0.1/32",
                }
            )
            made = payments(settings, system_clock, stack)
            found.append(made)
            codes = [(await made.gateways[trade.channel.vendor].create(trade)).url for trade in trades]
            first.kill()
            await first.wait()
        async with sandbox_process(tmp_path, port):
            write_state(tmp_path, RunState(1, {"cashier": f"http://127.0.0.1:{port}/cashier"}, {}))
            for code in codes:
                done = await asyncio.to_thread(CliRunner().invoke, app, ["pay", code, "--data-dir", str(tmp_path)])
                assert (done.exit_code, json.loads(done.stdout)["yuan"]) == (0, "10.00")
            again = await asyncio.to_thread(CliRunner().invoke, app, ["pay", codes[0], "--data-dir", str(tmp_path)])
            assert (again.exit_code, "PAID" in again.stderr) == (2, True)
            async with asyncio.timeout(PATIENCE):
                taken = [await heard.get() for _ in trades]
            told = {notice.out_trade_no for notice in taken if isinstance(notice, Notice)}
            assert told == {trade.out_trade_no for trade in trades}
            for trade in trades:
                assert (await made.gateways[trade.channel.vendor].query(trade.out_trade_no)).state is TradeState.PAID
            launch = made.agreements[Vendor.ALIPAY].sign("demo_agreement")
            done = await asyncio.to_thread(CliRunner().invoke, app, ["pay", launch.url, "--data-dir", str(tmp_path)])
            assert (done.exit_code, json.loads(done.stdout)["agreement"]) == (0, "demo_agreement")
            async with asyncio.timeout(PATIENCE):
                signed = await heard.get()
            assert isinstance(signed, AgreementNotice)
            assert (signed.number, signed.state) == ("demo_agreement", AgreementState.SIGNED)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as browser:
                page = (await browser.get("/cashier")).text
                assert all(trade.out_trade_no in page for trade in trades)
                assert "demo_agreement" in page
                assert (await browser.get("/cashier", headers={"host": "rebound.test"})).status_code == 400


def test_without_a_sandbox_there_is_nobody_to_pay(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["pay", "weixin://wxpay/bizpayurl?pr=1", "--data-dir", str(tmp_path)])
    assert (done.exit_code, "NO_SANDBOX" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "code", ["", "weixin://wxpay/bizpayurl?pr=none", "https://qr.alipay.com/x", "app_id=1", "a&b=<c>"]
)
async def test_what_leads_nowhere_is_refused_at_the_cashier(code: str) -> None:
    async with (
        counter() as shop,
        httpx.AsyncClient(transport=httpx.ASGITransport(shop.there.app), base_url=HOST) as browser,
    ):
        assert (await browser.post("/cashier/scan", data={"code": code})).status_code == 409
        assert (await browser.get("/cashier/none")).status_code == 409
        assert (await browser.post("/cashier/none/pay")).status_code == 409


async def test_a_person_pays_on_the_pages() -> None:
    async with (
        counter() as shop,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(shop.there.app), base_url=HOST, follow_redirects=True
        ) as browser,
    ):
        prepay = await shop.wechat.create(shop.trade(Channel.WECHAT_NATIVE, title="<b>停车费</b>"))
        page = await browser.post("/cashier/scan", data={"code": prepay.url})
        assert "&lt;b&gt;停车费" in page.text
        assert "<b>停车费" not in page.text
        assert "<button>支付" in page.text
        paid = await browser.post(f"{page.url.path}/pay")
        assert "已支付" in paid.text
        assert "<button>支付" not in paid.text
        wap = await shop.alipay.create(shop.trade(Channel.ALIPAY_WAP))
        assert "<button>支付" in (await browser.get(wap.url)).text
