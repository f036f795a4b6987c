"""Where bills can be asked for: suppliers of water, electricity and gas, and a property company's own system.

Names of fields are those of Alipay's published models (``alipay.ebpp.jfexport.instbill.query``, ``alipay.eco.cplife``),
which suppliers in China know; amounts are yuan as text, as they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class SubBizType(StrEnum):
    """What a supplier's account is for."""

    WATER = "WATER"
    ELECTRIC = "ELECTRIC"
    GAS = "GAS"


@dataclass(frozen=True, slots=True)
class InstBillQuery:
    """Whose bills: the account number (``bill_key``) at a supplier (``charge_inst``: as the office wrote its name)."""

    sub_biz_type: SubBizType
    charge_inst: str
    bill_key: str


@dataclass(frozen=True, slots=True)
class InstBill:
    """A supplier's bill. amount: without ``bill_fines``, the late fee; bill_date: the month, YYYYMM or YYYY-MM;
    inst_bill_no: the supplier's own number of it, once for each bill; uniq_id: of one answer
    only, another in the next."""

    amount: str
    bill_date: str
    inst_bill_no: str
    bill_fines: str = "0"
    balance: str = "0"
    uniq_id: str = ""


@dataclass(frozen=True, slots=True)
class InstBills:
    """What a supplier answers for an account. charge_mode: how it is paid, "2" = each bill by itself, "4" = all that is
    owed at once, "5" = any part of what is owed; "" = not said."""

    inst_bills: tuple[InstBill, ...] = ()
    charge_mode: str = ""


class UtilityBillPort(Protocol):
    """A supplier, or who speaks for several. Never called inside a transaction."""

    @property
    def sub_biz_types(self) -> frozenset[SubBizType]:
        """What it can be asked for; accounts of other kinds wait."""
        ...

    async def instbill_query(self, query: InstBillQuery) -> InstBills:
        """The open bills of an account, none for one that has no debts.

        Raises UnknownBillKey, UnknownSupplier or another DomainError when it says no; Unavailable when it says nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class BillEntry:
    """A bill in a property system. room_address: building/unit/door; deadline: YYYYMMDD, Beijing time; relate_id: one
    for entries that belong together."""

    bill_entry_id: str
    room_address: str
    acct_period: str
    cost_type: str
    bill_entry_amount: str
    deadline: str
    release_day: str = ""
    relate_id: str = ""
    remark_str: str = ""


@dataclass(frozen=True, slots=True)
class BillEntries:
    """One page. next_page: where to go on; None at the end."""

    bill_set: tuple[BillEntry, ...]
    next_page: str | None = None


class PropertyBillPort(Protocol):
    """A property company's own system."""

    async def bill_entries(self, community_id: str, *, page: str | None = None) -> BillEntries:
        """Entries of a community (a compound, by the name it has in that system), page by page. Raises Unavailable."""
        ...
