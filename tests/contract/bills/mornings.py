"""A home whose supplier of water is asked on one morning after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from domain.community.bills.accounts import register_account
from domain.community.bills.kinds import BillKind
from domain.community.bills.pull.ports import InstBill, SubBizType
from domain.community.payments.ports import Vendor
from domain.community.payments.service import create_order
from tests.contract.bills.systems import PropertySystem, Supplier, of_ports
from tests.factories.clock import Clock
from tests.factories.till import Till
from tests.factories.world import World
from workers.bill_pull import Pulled, pull_utilities

HOME, WATER = "a111/1", (SubBizType.WATER, "330100200300")
BLOCKED = "select exists (select from pg_locks where not granted)"


def bill(amount: str, number: str = "W-1", month: str = "202610", fines: str = "0") -> InstBill:
    return InstBill(amount, month, number, bill_fines=fines)


class Mornings:
    """A home with a water account, whose supplier is asked each morning at six."""

    def __init__(self, world: World, clock: Clock, superuser: asyncpg.Connection) -> None:
        self.world = world
        self.supplier = Supplier({WATER: []})
        self.till = Till(world, world.database, superuser)
        self.clock = clock
        self._superuser = superuser
        clock.instant = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)

    async def begin(self) -> None:
        """The home's account is noted, and due at once."""
        async with self.world.database.unit_of_work(self.world.everywhere) as uow:
            home = self.world.homes[HOME]
            await register_account(uow, vault=self.world.vault, home_id=home, kind=BillKind.WATER, number=WATER[1])

    async def ask(self, *listed: InstBill) -> Pulled:
        """What comes of the answer, now."""
        self.supplier.bills[WATER] = list(listed)
        port, _ = of_ports(self.supplier, PropertySystem())
        return await pull_utilities(self.world.database, self.world.vault, port, limit=10)

    async def next(self, *listed: InstBill) -> Pulled:
        """What comes of the next morning's answer."""
        self.clock.advance(days=1)
        return await self.ask(*listed)

    async def bills(self) -> list[tuple[str, int, str | None, int | None]]:
        """State, amount, and state and amount of the charge of each bill, in order of id."""
        rows = await self._superuser.fetch(
            "select bill.state, bill.amount_fen, charge.state as charge, charge.amount_fen as due"
            " from bill left join charge on charge.id = bill.charge_id order by bill.id"
        )
        return [tuple(row) for row in rows]

    async def items(self) -> list[tuple[str, str, int, int]]:
        """What a manager is to look at."""
        rows = await self._superuser.fetch(
            "select vendor, kind, ours_fen, theirs_fen from reconciliation_item where state = 'open' order by id"
        )
        return [tuple(row) for row in rows]

    async def acts(self) -> list[str]:
        """What stands in the audit log of bills."""
        rows = await self._superuser.fetch(
            "select action from audit_entry where object_type = 'Bill' order by sequence"
        )
        return [row["action"] for row in rows]

    async def charge(self) -> int:
        """The newest bill's charge."""
        return int(await self._superuser.fetchval("select charge_id from bill order by id desc limit 1"))

    @asynccontextmanager
    async def held(self) -> AsyncIterator[int]:
        """An order of the newest bill whose transaction is not committed before the body has ended."""
        async with self.world.database.unit_of_work(await self.till.resident(HOME)) as uow:
            yield await create_order(uow, charge_ids=[await self.charge()])

    async def blocks(self, task: asyncio.Task[Pulled]) -> None:
        """Wait until ``task`` waits for a lock that somebody else holds."""
        while not await self._superuser.fetchval(BLOCKED):
            assert not task.done()
            await asyncio.sleep(0)

    async def pay(self) -> None:
        """The home pays its newest bill."""
        order = await self.till.order([await self.charge()])
        started = await self.till.attempt(order)
        vendor = self.till.vendors[Vendor.WECHAT]
        await self.till.take(vendor.pay(started.trade.out_trade_no))
        await self.till.sound()
