"""GraphQL types of what the office deals with: requests for invoices, and differences in the accounts."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import strawberry

from api.community.payments import loaders
from api.community.payments.types import Receipt, receipt_at
from api.context import Info
from api.estate.types import Area, Home, area_of, home_of
from api.nodes import Node, global_id, row_id
from domain.community.payments.charges import SUPPLIER
from domain.community.payments.invoices import InvoiceKind, InvoiceState, NewInvoice, tax_place, title_place
from domain.community.payments.ports import Vendor
from domain.identity.ports import shown
from domain.kernel.uow import AnyRow

strawberry.enum(InvoiceKind, name="InvoiceKind", description="To whom it is made out. 发票抬头类型。")
strawberry.enum(InvoiceState, name="InvoiceState", description="What has become of a request. 发票申请状态。")
strawberry.enum(Vendor, name="PaymentVendor", description="Who moves the money. 支付渠道方。")


@strawberry.enum(description="Whether somebody dealt with it. 处理状态。")
class ReconciliationState(StrEnum):
    """Whether a person dealt with a difference."""

    OPEN = "open"
    SETTLED = "settled"


@strawberry.type(description="A request for the tax invoice of a receipt. 发票申请。")
class InvoiceRequest(Node):
    """``invoice_number``: once it is issued. ``note``: why it was rejected."""

    kind: InvoiceKind
    state: InvoiceState
    invoice_number: str | None
    note: str
    asked_at: datetime
    settled_at: datetime | None
    row: strawberry.Private[Any]

    @strawberry.field(description="To whom it is made out. 发票抬头。")
    async def title(self, info: Info) -> str | None:
        row, vault = self.row, info.context.services.vault
        return await shown(vault, row.title, title_place(row.id), area=row.compound_id)

    @strawberry.field(description="The taxpayer's number. 纳税人识别号。")
    async def tax_number(self, info: Info) -> str | None:
        row, vault = self.row, info.context.services.vault
        return await shown(vault, row.tax_number, tax_place(row.id), area=row.compound_id)

    @strawberry.field(
        description="What it is made out over, in fen: what was paid without what went back until it is issued."
        " 开票金额（分），已扣除开票前的退款。"
    )
    async def amount_fen(self, info: Info) -> int | None:
        if self.row.amount_fen is not None:
            return int(self.row.amount_fen)
        return await info.context.loaders.one(loaders.kept, self.row.receipt_id)

    @strawberry.field(description="The receipt it is for. 对应收据。")
    async def receipt(self, info: Info) -> Receipt | None:
        return await receipt_at(info, self.row.receipt_id)

    @strawberry.field(description="The home that asks. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.input(description="An invoice to ask for. 发票申请参数。")
class RequestInvoiceInput:
    """``tax_number``: of a company."""

    receipt: strawberry.ID
    kind: InvoiceKind
    title: str
    tax_number: str | None = None

    def command(self) -> NewInvoice:
        """The input in the domain's words."""
        receipt_id = row_id(self.receipt, "Receipt", field="receipt")
        return NewInvoice(receipt_id, self.kind, self.title, self.tax_number)


@strawberry.type(description="Something about money that a person must look at. 对账差异。")
class ReconciliationItem(Node):
    """``kind``: what differs; ``ours_fen``, ``theirs_fen``: the amounts here and there, where there are any."""

    vendor: Vendor | None = strawberry.field(
        description="Whose word it is; null where it is that of a bill's supplier, whose number stands in number."
        " 支付渠道方；为空表示缴费机构。"
    )
    day: date
    kind: str
    number: str
    refund_number: str
    transaction: str
    ours_fen: int | None
    theirs_fen: int | None
    state: ReconciliationState
    note: str
    opened_at: datetime
    settled_at: datetime | None
    row: strawberry.Private[Any]

    @strawberry.field(description="The compound whose money it is. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


def invoice(row: AnyRow) -> InvoiceRequest:
    """The GraphQL object of a request for an invoice."""
    return InvoiceRequest(
        id=global_id("InvoiceRequest", row.id),
        kind=InvoiceKind(row.kind),
        state=InvoiceState(row.state),
        invoice_number=row.invoice_number,
        note=row.note,
        asked_at=row.asked_at,
        settled_at=row.settled_at,
        row=row,
    )


def item(row: AnyRow) -> ReconciliationItem:
    """The GraphQL object of a difference."""
    return ReconciliationItem(
        id=global_id("ReconciliationItem", row.id),
        vendor=None if row.vendor == SUPPLIER else Vendor(row.vendor),
        day=row.day,
        kind=row.kind,
        number=row.out_trade_no,
        refund_number=row.out_refund_no,
        transaction=row.transaction_id,
        ours_fen=row.ours_fen,
        theirs_fen=row.theirs_fen,
        state=ReconciliationState(row.state),
        note=row.note,
        opened_at=row.opened_at,
        settled_at=row.settled_at,
        row=row,
    )
