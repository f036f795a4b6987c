"""Rules of the machine of money in which vendors' daily bills are held against what stands here, at any time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from domain.community.payments.ports import BillLine, Vendor
from domain.community.payments.reconciling import reconcile
from domain.community.payments.rules import bill_day
from tests.factories.till import Till
from workers.payments import reconcile_days


class HoldsBills:
    """Vendors have bills of each day. ground: a database with a clock, and the loop it is asked on."""

    ground: Any

    @property
    def till(self) -> Till:
        """Who pays, through which vendors."""
        return self.ground.till  # type: ignore[no-any-return] - the ground is the machine's

    @rule(days=st.integers(0, 2), lost=st.booleans())
    def bills_are_held_against_ours(self, days: int, *, lost: bool) -> None:
        """Days go by, and the bills that are there are looked at, or do not come; nothing is booked by a bill."""
        self.ground.clock.advance(days=days)
        booked = "select (select count(*) from ledger_entry), (select count(*) from payment_notice)"
        before = self.ground.run(self.till.superuser.fetchrow(booked))
        for vendor in self.till.vendors.values():
            vendor.lost_before = 3 if lost else 0
        self.ground.run(reconcile_days(self.till.database, gateways=dict(self.till.vendors)))
        for vendor in self.till.vendors.values():
            vendor.lost_before = 0
        assert self.ground.run(self.till.superuser.fetchrow(booked)) == before

    def all_bills_agree(self) -> None:
        """Once all is settled, no bill of any day says anything else than we do."""
        for vendor, told in self.till.vendors.items():
            days = sorted({bill_day(line.at) for line in told.lines})
            for day in [*days, *(day + timedelta(days=1) for day in days[-1:])]:
                lines = [line for line in told.lines if bill_day(line.at) == day]
                self.ground.run(self._agrees(vendor, day, lines))

    async def _agrees(self, vendor: Vendor, day: date, lines: list[BillLine]) -> None:
        async with self.till.database.unit_of_work(self.till.world.everywhere) as uow:
            await reconcile(uow, vendor=vendor, day=day, lines=lines)
        found = await self.till.superuser.fetchrow(
            "select matched, differences, foreign_lines from reconciliation where vendor = $1 and day = $2", vendor, day
        )
        assert tuple(found or ()) == (len(lines), 0, 0)
