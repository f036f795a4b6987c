"""Auto-pay of a home without an API: signed, planned, taken, day by day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.community.payments import service as orders
from domain.community.payments.autopay import planning, service
from domain.community.payments.autopay.service import Terms
from domain.community.payments.autopay.taking import DueAutopay
from domain.community.payments.charges import ChargeKind, NewCharge, open_charges
from domain.community.payments.ports import Vendor
from tests.factories.agreements import FakeAgreements
from tests.factories.clock import Clock
from tests.factories.till import Till
from workers.autopay import take_due, take_one
from workers.payments import look_at_attempts, look_at_refunds

SHANGHAI = ZoneInfo("Asia/Shanghai")
TERMS = Terms([ChargeKind.PROPERTY], 10_000, 30_000)


@dataclass
class Purse:
    """One home's auto-pay at the vendor in memory. The clock stands at noon of the fifth of a month in Shanghai."""

    till: Till
    clock: Clock
    home: str = "a111/1"
    agreed: FakeAgreements = field(init=False)
    number: str = ""
    autopay_id: int = 0

    def __post_init__(self) -> None:
        self.agreed = FakeAgreements(self.till.vendors[Vendor.ALIPAY])
        local = self.local()
        noon = (local.replace(day=28) + timedelta(days=8)).replace(day=5, hour=12, minute=0, second=0, microsecond=0)
        self.clock.advance(seconds=(noon - local).total_seconds())

    def local(self) -> datetime:
        """The present in Shanghai."""
        return self.clock().astimezone(SHANGHAI)

    async def sign(self, terms: Terms = TERMS) -> Purse:
        """A resident signs."""
        async with self.till.database.unit_of_work(await self.till.resident(self.home)) as uow:
            self.autopay_id, self.number = await service.ask_autopay(
                uow, home_id=self.till.world.homes[self.home], vendor=Vendor.ALIPAY, terms=terms
            )
        notice = self.agreed.agree(self.number)
        async with self.till.database.unit_of_work(service.system_in(self.number)) as uow:
            await service.take_word(uow, vendor=Vendor.ALIPAY, number=self.number, state=notice.state)
        return self

    async def bills(self, *amounts: int, days: int = 2, kind: ChargeKind = ChargeKind.PROPERTY) -> list[int]:
        """Charges that are due in ``days`` days."""
        due = self.local().date() + timedelta(days=days)
        home, subjects = self.till.world.homes[self.home], self.till.subjects
        new = [NewCharge(home, kind, next(subjects), fen, "物业费", due) for fen in amounts]
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            return await open_charges(uow, new)

    async def plan(self) -> int:
        """The worker plans and tells."""
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            return await planning.plan_due(uow, limit=50)

    async def take(self) -> int:
        """The worker takes what is due."""
        return await take_due(self.till.database, agreements={Vendor.ALIPAY: self.agreed})

    async def take_one(self) -> None:
        """The same of this home, with nothing around it."""
        compound = self.till.world.areas[self.home[:4]]
        await take_one(self.till.database, self.agreed, DueAutopay(self.autopay_id, compound, Vendor.ALIPAY))

    async def settle(self) -> None:
        """The worker asks about what is under way, lets orders end, and notes what became of plans."""
        await look_at_attempts(self.till.database, gateways=dict(self.till.vendors))
        await look_at_refunds(self.till.database, gateways=dict(self.till.vendors))
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            await orders.expire_orders(uow, limit=50)
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            await planning.follow(uow, limit=50)

    async def ten_o_clock(self, *, days: int = 1) -> None:
        """So many days on it is a minute after ten, and the worker takes; it settled all the while."""
        at = self.local().replace(hour=10, minute=1) + timedelta(days=days)
        for before in (30, 0):
            self.clock.advance(seconds=(at - self.local()).total_seconds() - before * 60)
            await self.settle()
        await self.take()
        await self.settle()

    async def act(self, command: Any, **said: Any) -> None:
        """A command of the resident."""
        async with self.till.database.unit_of_work(await self.till.resident(self.home)) as uow:
            await command(uow, **said)

    async def plans(self) -> list[dict[str, Any]]:
        """All plans, oldest first."""
        return [dict(row) for row in (await self.till.rows("autopay_plan")).values()]

    async def states(self) -> list[tuple[str, str | None]]:
        """State and reason of all plans."""
        return [(plan["state"], plan["why"]) for plan in await self.plans()]

    async def told(self) -> list[tuple[str, int]]:
        """What was told since the last time, and of how many fen."""
        rows = await self.till.superuser.fetch(
            "delete from outbox_event where name = 'autopay.told' returning id, payload->>'what', payload->>'fen'"
        )
        return [(row[1], int(row[2])) for row in sorted(rows)]

    def taken(self) -> list[int]:
        """What the vendor took, in fen."""
        return [trade.amount_fen for trade in self.agreed.till.trades.values() if trade.amount_fen]
