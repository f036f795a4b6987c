"""A supplier and a property system as their published models answer, in memory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from domain.community.bills.pull.errors import UnknownBillKey
from domain.community.bills.pull.ports import (
    BillEntries,
    BillEntry,
    InstBill,
    InstBillQuery,
    InstBills,
    PropertyBillPort,
    SubBizType,
    UtilityBillPort,
)
from domain.kernel.errors import Unavailable


@dataclass
class Supplier:
    """Bills by kind and number. mood: "well", "away" or "silent"."""

    bills: dict[tuple[SubBizType, str], list[InstBill]] = field(default_factory=dict)
    mood: str = "well"
    charge_mode: str = "2"
    asked: list[InstBillQuery] = field(default_factory=list)
    sub_biz_types: frozenset[SubBizType] = frozenset(SubBizType)

    async def instbill_query(self, query: InstBillQuery) -> InstBills:
        """As the port says."""
        self.asked.append(query)
        if self.mood == "away":
            raise Unavailable
        if self.mood == "silent":
            await asyncio.Event().wait()
        found = self.bills.get((query.sub_biz_type, query.bill_key))
        if found is None:
            raise UnknownBillKey
        return InstBills(tuple(found), self.charge_mode)


@dataclass
class PropertySystem:
    """Entries by community, handed out in pages."""

    entries: dict[str, list[BillEntry]] = field(default_factory=dict)
    page: int = 2

    async def bill_entries(self, community_id: str, *, page: str | None = None) -> BillEntries:
        """As the port says."""
        start = int(page or 0)
        found = self.entries.get(community_id, [])
        more = start + self.page
        return BillEntries(tuple(found[start:more]), str(more) if more < len(found) else None)


def of_ports(supplier: Supplier, system: PropertySystem) -> tuple[UtilityBillPort, PropertyBillPort]:
    """Both, held against their ports by the type checker."""
    return supplier, system
