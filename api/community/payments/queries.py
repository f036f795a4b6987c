"""Root queries and node readers of payments."""

from __future__ import annotations

import strawberry

from api.community.payments import loaders, papers, types
from api.context import Info
from api.nodes import NodeReader, by_number, optional_id
from api.paging import Connection, connection
from domain.community.payments import queries
from domain.community.payments.invoices import InvoiceState
from domain.community.payments.queries import Focus
from domain.community.payments.rules import AskedState, ChargeState, OrderState
from domain.kernel.paging import page_size


@strawberry.type
class PaymentQuery:
    """Root queries of payments."""

    @strawberry.field(description="What homes owe and paid, newest first. 应收款（最新在前）。")
    async def charges(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        state: ChargeState | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Charge]:
        focus = _focus(area, home, state)
        read, actor = info.context.read, info.context.actor
        return connection(
            await queries.charge_page(read, actor, focus, first=page_size(first), after=after), types.charge
        )

    @strawberry.field(description="Orders, newest first. 支付订单（最新在前）。")
    async def payment_orders(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        state: OrderState | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.PaymentOrder]:
        focus = _focus(area, home, state)
        read, actor = info.context.read, info.context.actor
        return connection(
            await queries.order_page(read, actor, focus, first=page_size(first), after=after), types.order
        )

    @strawberry.field(description="Receipts, newest first. 收据（最新在前）。")
    async def receipts(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Receipt]:
        focus = _focus(area, home, None)
        read, actor = info.context.read, info.context.actor
        return connection(
            await queries.receipt_page(read, actor, focus, first=page_size(first), after=after), types.receipt
        )

    @strawberry.field(description="Money that goes back, newest first. 退款（最新在前）。")
    async def refunds(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        state: AskedState | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Refund]:
        focus = _focus(area, home, state)
        read, actor = info.context.read, info.context.actor
        return connection(
            await queries.refund_page(read, actor, focus, first=page_size(first), after=after), types.refund
        )

    @strawberry.field(description="Requests for invoices, newest first. 发票申请（最新在前）。")
    async def invoice_requests(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        state: InvoiceState | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[papers.InvoiceRequest]:
        focus = _focus(area, home, state)
        read, actor = info.context.read, info.context.actor
        return connection(
            await queries.invoice_page(read, actor, focus, first=page_size(first), after=after), papers.invoice
        )

    @strawberry.field(description="Differences in the accounts, newest first. 对账差异（最新在前）。")
    async def reconciliation_items(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        state: papers.ReconciliationState | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[papers.ReconciliationItem]:
        focus = _focus(area, None, state)
        read, actor = info.context.read, info.context.actor
        return connection(await queries.item_page(read, actor, focus, first=page_size(first), after=after), papers.item)


def _focus(area: strawberry.ID | None, home: strawberry.ID | None, state: str | None) -> Focus:
    where, whose = optional_id(area, "Area", field="area"), optional_id(home, "Home", field="home")
    return Focus(where, whose, None if state is None else str(state))


read_charge = by_number(loaders.charges, types.charge)
read_order = by_number(loaders.orders, types.order)
read_refund = by_number(loaders.refunds, types.refund)
read_receipt = by_number(loaders.receipts, types.receipt)
read_invoice = by_number(loaders.invoices, papers.invoice)
read_item = by_number(loaders.items, papers.item)


NODE_READERS: dict[str, NodeReader] = {
    "Charge": read_charge,
    "PaymentOrder": read_order,
    "Receipt": read_receipt,
    "Refund": read_refund,
    "InvoiceRequest": read_invoice,
    "ReconciliationItem": read_item,
}
