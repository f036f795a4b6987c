"""Bills as an office makes them, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, update

from domain.community.bills.fees.publishing import Planned, plan_period, publish_period
from domain.community.bills.fees.rules import Basis, Tier
from domain.community.bills.fees.service import NewFeeRule, create_rule, set_area
from domain.community.bills.kinds import BillKind
from domain.community.bills.models import Bill
from domain.community.bills.periods import month_of
from domain.community.bills.prepaid import deposit, pay_out
from domain.community.bills.queries import BillFilter, bill_page
from domain.community.bills.service import NewLine, accrue, correct_bill, write_off_bill
from domain.community.payments.models import Charge
from domain.community.payments.prepaid.models import PrepaidBalance
from domain.kernel.uow import Database
from tests.factories.world import World


@dataclass
class Books:
    """Acts of the system over the whole world, each in a unit of work of its own."""

    database: Database
    world: World

    async def rule(
        self, compound: str = "a111", basis: Basis = Basis.HOME, kind: BillKind = BillKind.PROPERTY, **parts: Any
    ) -> int:
        """A rule of 100 yuan a month for each home, or what ``parts`` say."""
        new = NewFeeRule(
            **{
                "compound_id": self.world.areas[compound],
                "kind": kind,
                "title": "物业费",
                "basis": basis,
                "unit": "户·月",
                "tiers": [Tier(None, 10_000_000)],
                "starts_on": date(2026, 1, 1),
            }
            | parts
        )
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            return await create_rule(uow, new=new)

    async def area(self, home: str, metres: str) -> None:
        """The home's floor area."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            await set_area(uow, home_id=self.world.homes[home], square_metres=metres)

    async def plan(self, month: str = "2026-10", compound: str = "a111") -> Planned:
        """What a month would come to."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            return await plan_period(uow, compound_id=self.world.areas[compound], month=month_of(month))

    async def publish(self, month: str = "2026-10", compound: str = "a111") -> Planned:
        """Issue a month's bills."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            return await publish_period(uow, compound_id=self.world.areas[compound], month=month_of(month))

    async def deposit(self, home: str, fen: int) -> None:
        """The home pays ahead."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            await deposit(uow, home_id=self.world.homes[home], amount_fen=fen)

    async def pay_out(self, home: str, fen: int) -> None:
        """The home gets back what it has paid ahead."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            balance = select(PrepaidBalance.id).where(PrepaidBalance.home_id == self.world.homes[home])
            balance_id = await uow.session.scalar(balance)
            await pay_out(uow, balance_id=balance_id or 0, amount_fen=fen, note="退还现金")

    async def correct(self, bill: int, *fen: int) -> int:
        """Correct a bill to lines of so many fen."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            lines = [NewLine("更正", each) for each in fen]
            return await correct_bill(uow, bill_id=bill, lines=lines, reason="抄表有误")

    async def write_off(self, bill: int) -> None:
        """Write a bill off."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            await write_off_bill(uow, bill_id=bill, reason="空置")

    async def accrue(self, limit: int = 500) -> int:
        """Bring bills up to the day."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            return await accrue(uow, limit=limit)

    async def bill(self, home: str = "a111/1") -> Bill:
        """The home's newest bill."""
        return (await self.bills(home))[-1]

    async def bills(self, home: str = "a111/1") -> list[Bill]:
        """The home's bills, oldest first."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            query = select(Bill).where(Bill.home_id == self.world.homes[home]).order_by(Bill.id)
            return list(await uow.session.scalars(query))

    async def sums(self, home: str = "a111/1") -> list[tuple[str, int, int]]:
        """Status, total and what is still to pay of the home's bills, oldest first."""
        actor = self.world.everywhere
        async with self.database.reader(actor.scope) as reader:
            wanted = BillFilter(home_id=self.world.homes[home])
            page = await bill_page(reader, actor, wanted, first=50, after=None)
        return [(row.status, row.total_fen, row.payable_fen) for row in page.items]

    async def charge(self, bill: Bill) -> tuple[str, int]:
        """State and fen of the bill's charge."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            row = await uow.session.execute(select(Charge.state, Charge.amount_fen).where(Charge.id == bill.charge_id))
            return tuple(row.one())  # type: ignore[return-value]

    async def set_charge(self, bill: Bill, state: str) -> None:
        """As payments would leave the bill's charge."""
        async with self.database.unit_of_work(self.world.everywhere) as uow:
            paid = uow.now if state == "paid" else None
            await uow.session.execute(
                update(Charge).where(Charge.id == bill.charge_id).values(state=state, paid_at=paid)
            )
