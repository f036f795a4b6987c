"""GraphQL types of bills, the accounts they name, and balances."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import strawberry

from api.community.bills import loaders
from api.community.bills.enums import BillKind, BillSource, BillStatus
from api.context import Info
from api.estate.types import Area, Home, area_of, home_of
from api.nodes import Node, global_id
from domain.community.bills.accounts import number_place
from domain.community.bills.fees.rules import QUANTITY_PLACES, RATE_PLACES, unscaled
from domain.identity.ports import shown
from domain.kernel.uow import AnyRow


@strawberry.type(description="One line of a bill. 账单明细。")
class BillLine:
    """``quantity``, ``unit`` and ``rate`` (yuan per unit) where it was counted; ``months``: how often."""

    title: str
    amount_fen: int
    quantity: str | None
    unit: str | None
    rate: str | None
    months: int | None


def line(said: dict[str, Any]) -> BillLine:
    """The GraphQL object of a stored line."""
    counted = said.get("quantity") is not None
    return BillLine(
        title=said["title"],
        amount_fen=said["amount_fen"],
        quantity=unscaled(said["quantity"], places=QUANTITY_PLACES) if counted else None,
        unit=said.get("unit"),
        rate=unscaled(said["rate"], places=RATE_PLACES) if counted else None,
        months=said.get("months"),
    )


@strawberry.type(description="A home's account at a supplier. 户号。")
class BillAccount(Node):
    """One account number."""

    kind: BillKind
    institution: str
    created_at: datetime
    ended_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The number; null once the compound's data was erased. 户号。")
    async def number(self, info: Info) -> str | None:
        row = self.row
        place = number_place(row.home_id, row.number_index)
        return await shown(info.context.services.vault, row.number, place, area=row.compound_id)

    @strawberry.field(description="The home it is of. 所属住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.type(description="What a home owes for a period; amounts in fen. 账单（金额单位：分）。")
class Bill(Node):
    """``lines`` add up to ``amountFen``; ``totalFen`` is that with late fee, less discount and prepaid part."""

    kind: BillKind
    source: BillSource
    status: BillStatus
    title: str
    period_from: date
    period_to: date
    deadline: date
    amount_fen: int
    late_fee_fen: int
    discount_fen: int
    prepaid_fen: int
    total_fen: int = strawberry.field(
        description="What it comes to: the amount with late fee, less discount and prepaid part. 应缴金额（分）。"
    )
    payable_fen: int = strawberry.field(
        description="What is still to be paid: 0 once it is paid, settled or over. 未缴金额（分）。"
    )
    discount_until: date | None
    reason: str
    issued_at: datetime
    paid_at: datetime | None
    closed_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="What it is made of. 明细。")
    def lines(self) -> list[BillLine]:
        return [line(said) for said in self.row.lines]

    @strawberry.field(description="The charge under which it is paid. 对应的应收款。")
    def charge(self) -> strawberry.ID | None:
        return None if self.row.charge_id is None else global_id("Charge", self.row.charge_id)

    @strawberry.field(description="The account it names at the supplier. 户号。")
    async def account(self, info: Info) -> BillAccount | None:
        if self.row.bill_account_id is None:
            return None
        row = await info.context.loaders.one(loaders.accounts, self.row.bill_account_id)
        return account(row) if row is not None else None

    @strawberry.field(description="The bill it corrects. 被更正的账单。")
    async def corrects(self, info: Info) -> Bill | None:
        return None if self.row.corrects is None else await bill_of(info, self.row.corrects)

    @strawberry.field(description="The home that owes it. 所属住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)

    @strawberry.field(description="The compound it was issued in. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


@strawberry.type(description="What a home has paid ahead, in fen. 预存余额（分）。")
class PrepaidBalance(Node):
    """One home's balance."""

    balance_fen: int
    changed_at: datetime
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The home it is of. 所属住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


def account(row: AnyRow) -> BillAccount:
    """The GraphQL object of an account row."""
    return BillAccount(
        id=global_id("BillAccount", row.id),
        kind=BillKind(row.kind),
        institution=row.institution,
        created_at=row.created_at,
        ended_at=row.ended_at,
        row=row,
    )


def bill(row: AnyRow) -> Bill:
    """The GraphQL object of a bill row."""
    names = (
        "title", "period_from", "period_to", "deadline", "amount_fen", "late_fee_fen", "discount_fen", "prepaid_fen",
        "total_fen", "payable_fen", "discount_until", "reason", "issued_at", "paid_at", "closed_at",
    )  # fmt: skip
    return Bill(
        id=global_id("Bill", row.id),
        kind=BillKind(row.kind),
        source=BillSource(row.source),
        status=BillStatus(row.status),
        row=row,
        **{name: getattr(row, name) for name in names},
    )


def balance(row: AnyRow) -> PrepaidBalance:
    """The GraphQL object of a balance row."""
    return PrepaidBalance(
        id=global_id("PrepaidBalance", row.id), balance_fen=row.balance_fen, changed_at=row.changed_at, row=row
    )


async def bill_of(info: Info, bill_id: int) -> Bill | None:
    """The bill, read together with its siblings; None when the caller may not see it."""
    row = await info.context.loaders.one(loaders.bills, bill_id)
    return bill(row) if row is not None else None
