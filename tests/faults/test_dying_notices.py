"""kill -9 wherever a process that takes a notification waits: it is taken whole or not at all, and in the end once."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from domain.community.payments import service
from domain.community.payments.charges import refund_charge
from domain.community.payments.ports import Channel, Vendor
from domain.kernel.uow import Database
from integrations.payments.sandbox.keys import keep
from tests.factories.clock import Clock
from tests.factories.fixtures import clock, clocked, news, vault, world
from tests.factories.payments import HOST, Counter, counter, keys
from tests.factories.till import Till
from tests.factories.world import World
from tests.faults.dying.acts import callbacks
from tests.faults.dying.mortal import Ended, Mortals, mortals
from workers.payments import look_at_refunds

__all__ = ["clock", "clocked", "news", "vault", "world"]


@pytest.fixture
async def shop(clock: Clock) -> AsyncIterator[Counter]:
    async with counter() as made:
        made.clock.now = clock.instant
        yield made


@pytest.fixture
def till(world: World, clocked: Database, superuser: asyncpg.Connection, shop: Counter) -> Till:
    made = Till(world, clocked, superuser)
    made.vendors = {Vendor.WECHAT: shop.wechat, Vendor.ALIPAY: shop.alipay}  # type: ignore[dict-item]
    return made


@pytest.fixture
async def dying() -> AsyncIterator[Mortals]:
    async with mortals() as made:
        yield made


class Desk:
    """Where notifications arrive: at a process that dies, and then at one that lives."""

    def __init__(self, till: Till, shop: Counter, dying: Mortals, url: str, vendors: Path) -> None:
        self.till, self.shop, self.dying, self.url, self.vendors = till, shop, dying, url, vendors
        self.living = callbacks(till.database, keys())
        keep(vendors, keys())

    async def paid(self, channel: Channel, *, cancelled: bool = False) -> int:
        """Somebody has paid an order, or one that was cancelled and whose charges another holds; the attempt."""
        bought = await self.till.bought(120, 30, channel=channel)
        row = (await self.till.rows("payment_attempt"))[bought.attempt]
        if cancelled:
            async with self.till.database.unit_of_work(await self.till.resident()) as uow:
                await service.cancel_order(uow, order_id=bought.order)
            await self.till.order(bought.charges)
        await self.shop.pay(json.loads(row["launch"])["url"])
        return bought.attempt

    async def refunded(self) -> int:
        """A payment of which a part has gone back, of which WeChat Pay is about to tell; the attempt."""
        attempt = await self.paid(Channel.WECHAT_NATIVE)
        assert await self.deliver(*self.told()) == 204
        statement = "select charge_id from ledger_entry where attempt_id = $1 and kind = 'paid' order by id limit 1"
        charge = await self.till.superuser.fetchval(statement, attempt)
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            await refund_charge(uow, charge_id=charge, amount_fen=20, reason="多收退回")
        await look_at_refunds(self.till.database, gateways=dict(self.till.vendors))
        self.shop.there.wechat.settle()
        return attempt

    def told(self) -> tuple[str, dict[str, str], bytes]:
        """What the vendor sends next: path, headers and body; sent again it is signed anew."""
        delivery = self.shop.there.notices.waiting.pop()
        headers, body = delivery.make(self.shop.clock.now)
        return httpx.URL(delivery.url).path, headers, body

    async def dies(self, k: int, path: str, headers: dict[str, str], body: bytes) -> Ended:
        """Delivered to a process that dies when it waits for the ``k``-th time."""
        return await self.dying.live(
            "notice", kill_at=k, url=self.url, vendors=str(self.vendors), now=self.shop.clock.now.isoformat(),
            path=path, headers=headers, body=base64.b64encode(body).decode(),
        )  # fmt: skip

    async def deliver(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Delivered to a process that lives; the answer's status."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.living), base_url=HOST) as vendor:
            answer = await vendor.post(path, headers=headers, content=body)
        return 204 if answer.content == b"success" else answer.status_code


@pytest.fixture
def desk(till: Till, shop: Counter, dying: Mortals, database_url: str, tmp_path: Path) -> Desk:
    return Desk(till, shop, dying, database_url, tmp_path / "vendors")


STORED = """
select (select count(*) from payment_notice where attempt_id = $1) as notices,
       (select state from payment_attempt where id = $1) as state,
       (select count(*) from ledger_entry where attempt_id = $1 and kind = 'paid') as paid,
       (select count(*) from ledger_entry where attempt_id = $1 and kind = 'unallocated') as surplus,
       (select count(*) from ledger_entry where attempt_id = $1 and kind = 'refunded') as refunded,
       (select count(*) from receipt join payment_attempt a using (order_id) where a.id = $1) as receipts,
       (select count(*) from refund where attempt_id = $1) as refunds
"""
ENDS = {
    "credit": {"notices": 1, "state": "paid", "paid": 2, "surplus": 0, "refunded": 0, "receipts": 1, "refunds": 0},
    "surplus": {"notices": 1, "state": "paid", "paid": 0, "surplus": 1, "refunded": 0, "receipts": 0, "refunds": 1},
    "refund": {"notices": 2, "state": "paid", "paid": 2, "surplus": 0, "refunded": 1, "receipts": 1, "refunds": 1},
    "alipay": {"notices": 1, "state": "paid", "paid": 2, "surplus": 0, "refunded": 0, "receipts": 1, "refunds": 0},
}


async def begun(desk: Desk, kind: str) -> int:
    if kind == "refund":
        return await desk.refunded()
    channel = Channel.ALIPAY_QR if kind == "alipay" else Channel.WECHAT_NATIVE
    return await desk.paid(channel, cancelled=kind == "surplus")


async def tried(desk: Desk, kind: str, k: int) -> tuple[Ended, bool]:
    """A notice taken by a process that dies at ``k``, then by one that lives; whether the first had stored it."""
    till, attempt = desk.till, await begun(desk, kind)
    told = desk.told()
    ended = await desk.dies(k, *told)
    await till.sound()
    stored = dict(await till.superuser.fetchrow(STORED, attempt) or {}) == ENDS[kind]
    assert stored or not ended.said, "acknowledged, and not stored"
    assert await desk.deliver(*told) == 204
    assert dict(await till.superuser.fetchrow(STORED, attempt) or {}) == ENDS[kind]
    await till.sound()
    return ended, stored


async def test_killed_wherever_it_waits_a_notice_is_taken_once(desk: Desk) -> None:
    k, before, after = 1, 0, 0
    while (result := await tried(desk, "credit", k))[0].killed:
        before, after, k = before + (not result[1]), after + result[1], k + 1
    ended, stored = result
    assert (ended.said, ended.seen, stored) == (["204"], k - 1, True)
    assert (before > 10, after >= 3) == (True, True), (before, after)


@pytest.mark.parametrize("kind", ["surplus", "refund", "alipay"])
async def test_killed_here_and_there_other_notices_are_taken_once(
    desk: Desk, kind: str, kill_every: int, fault_seed: int
) -> None:
    k = 1 + fault_seed % kill_every
    while (result := await tried(desk, kind, k))[0].killed:
        k += kill_every
    assert result[0].said == ["200" if kind == "alipay" else "204"]
