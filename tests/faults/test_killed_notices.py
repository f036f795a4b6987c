"""The API process killed with SIGKILL again and again while vendors tell it of payments: each is credited once."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import pytest

from domain.community.payments import service
from domain.community.payments.ports import Channel, Vendor
from domain.kernel.clock import system_clock
from domain.kernel.uow import Database
from integrations.payments.alipay.gateway import AlipayPay
from integrations.payments.calls import Caller
from integrations.payments.sandbox.app import Sandbox, sandbox
from integrations.payments.sandbox.keys import environment, keep
from integrations.payments.sandbox.notices import Delivery
from integrations.payments.wechat.gateway import WechatPay
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.patience import PATIENCE
from tests.factories.payments import HOST, Line, accounts, keys
from tests.factories.ports import free_port
from tests.factories.processes import answers
from tests.factories.till import Till
from tests.factories.world import World
from tests.faults.dying.mortal import ROOT

__all__ = ["clock", "clocked", "news", "vault", "world"]
pytestmark = pytest.mark.fault

KILLS, BURST, SURPLUS = 12, 6, 5
HOMES = ("a111/1", "a112/1", "b111/1")
MOMENT = 0.01
"""Seconds that may pass between an answer and the kill, in which the process goes on."""


@dataclass
class Street:
    """Buyers, both vendors, and the API process that they tell of payments."""

    till: Till
    there: Sandbox
    port: int
    running: asyncio.subprocess.Process
    told: list[tuple[Delivery, str]] = field(default_factory=list)
    pid: int = 0
    answers: int = 0
    moment: float = 0.0
    killed: asyncio.Event = field(default_factory=asyncio.Event)

    async def order(self, number: int) -> str:
        """A code to pay; one in some is of an order that was cancelled meanwhile, whose charges another order holds."""
        channel = (Channel.WECHAT_NATIVE, Channel.ALIPAY_QR)[number % 2]
        home = HOMES[number % len(HOMES)]
        bought = await self.till.bought(100 + number, 7, home=home, channel=channel)
        if number % SURPLUS == 0:
            async with self.till.database.unit_of_work(await self.till.resident(home)) as uow:
                await service.cancel_order(uow, order_id=bought.order)
            await self.till.order(bought.charges, home)
        launch = await self.till.superuser.fetchval("select launch from payment_attempt where id = $1", bought.attempt)
        if launch is None:  # of a cancelled order it is kept until the vendor has closed it
            raise AssertionError(bought.details())
        return str(json.loads(launch)["url"])

    def pay(self, code: str) -> None:
        """A buyer pays; from now on the vendor tells of it."""
        trade = self.there.cashier.scanned(code)
        self.there.cashier.pay(trade)
        self.told.append((self.there.notices.waiting[-1], trade.out_trade_no))

    async def deliver(self) -> None:
        """Everything that waits is sent, and sent again at once: vendors take a day for their tries."""
        for delivery in self.there.notices.waiting:
            delivery.due, delivery.tries = system_clock(), 0
        await self.there.notices.deliver()

    def acknowledged(self) -> set[str]:
        """The trades of which the vendor need not tell any more."""
        left = set(map(id, self.there.notices.waiting))
        return {number for delivery, number in self.told if id(delivery) not in left}

    async def done(self) -> None:
        """Every notification is acknowledged."""
        async with asyncio.timeout(PATIENCE):
            while self.there.notices.waiting:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.002)

    async def kill(self, answers: int, moment: float) -> None:
        """The process is killed ``moment`` seconds after so many answers, and another begun, which answers."""
        self.killed.clear()
        self.answers, self.moment = answers, moment
        async with asyncio.timeout(PATIENCE):
            await self.killed.wait()
        await self.begun()

    async def answered(self, _: httpx.Response) -> None:
        """The vendor has the head of an answer and has not taken it as an acknowledgement yet: so something always
        waits when the process is killed. The moment stops the vendor, not the process."""
        self.answers -= 1
        if self.answers == 0:
            time.sleep(self.moment)  # noqa: ASYNC251 - the loop is to stand still
            os.kill(self.pid, signal.SIGKILL)
            self.killed.set()

    async def begun(self) -> None:
        """The next process answers."""
        assert self.running.stdout is not None
        async with asyncio.timeout(PATIENCE):
            self.pid = int(await self.running.stdout.readline())
            await answers(self.port)

    async def stored(self) -> set[str]:
        """The trades of which the database knows that they are paid."""
        rows = await self.till.superuser.fetch("select out_trade_no from payment_attempt where state = 'paid'")
        return {row[0] for row in rows}


@asynccontextmanager
async def restarted(folder: Path, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The API process, begun again whenever it dies; ended with the context."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ZHIAN_")}
    with (folder / "api.log").open("wb") as output:
        running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.dying.restarted", cwd=ROOT, stderr=output,
            env=inherited | settings | {"PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
    try:
        yield running
    finally:
        assert running.stdin is not None
        running.stdin.close()
        async with asyncio.timeout(PATIENCE):
            await running.wait()


@pytest.fixture
async def street(
    world: World, clocked: Database, superuser: asyncpg.Connection, database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[Street]:
    vendors, port = tmp_path / "vendors", free_port()
    keep(vendors, keys())
    settings = environment(vendors, HOST) | {
        "ZHIAN_DATA_DIR": str(tmp_path),
        "ZHIAN_DATABASE_URL": database_url,
        "ZHIAN_REDIS_URL": redis_url,
        "ZHIAN_PORT": str(port),
        "ZHIAN_OUTGOING_NETWORKS": "127.0.0.1/32",
    }
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(restarted(tmp_path, **settings))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=PATIENCE))
        there = sandbox(keys(), client)
        calls = httpx.AsyncClient(transport=Line(there.app))
        caller = Caller("sandbox", calls, calls)
        wechat, alipay = accounts(keys(), HOST, f"http://127.0.0.1:{port}/callbacks")
        till = Till(world, clocked, superuser)
        till.vendors = {
            Vendor.WECHAT: WechatPay(wechat, caller, clock=system_clock),  # type: ignore[dict-item]
            Vendor.ALIPAY: AlipayPay(alipay, caller, clock=system_clock),  # type: ignore[dict-item]
        }
        made = Street(till, there, port, running)
        client.event_hooks = {"response": [made.answered]}
        await made.begun()
        yield made


async def test_whenever_it_is_killed_each_payment_is_credited_once(street: Street, fault_seed: int) -> None:
    chance = random.Random(fault_seed)
    codes = [await street.order(number) for number in range(KILLS * BURST)]

    async def telling() -> None:
        while True:
            await street.deliver()
            await asyncio.sleep(0.05)

    vendors = asyncio.create_task(telling())
    for burst in range(KILLS):
        for code in codes[burst * BURST : (burst + 1) * BURST]:
            street.pay(code)
        await street.kill(chance.randint(1, BURST), chance.uniform(0, MOMENT))
        acknowledged = street.acknowledged()
        assert acknowledged <= await street.stored(), "acknowledged, and not stored"
        await street.till.sound()
    await street.done()
    vendors.cancel()
    with suppress(asyncio.CancelledError):
        await vendors

    many = KILLS * BURST
    surplus = len(range(0, many, SURPLUS))
    assert len(street.acknowledged()) == len(await street.stored()) == many
    await street.till.sound()
    rows = await street.till.superuser.fetchrow("""
        select (select count(*) from receipt) as receipts, (select count(*) from payment_notice) as notices,
               (select count(*) from payment_order where state = 'paid') as paid,
               (select count(*) from refund) as going_back, (select count(*) from reconciliation_item) as items
    """)
    assert dict(rows or {}) == {
        "receipts": many - surplus, "notices": many, "paid": many - surplus, "going_back": surplus, "items": 0,
    }  # fmt: skip
