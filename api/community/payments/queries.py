"""Root queries and node readers of payments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import strawberry

from api.community.payments import loaders, papers, types
from api.context import Info
from api.nodes import NodeReader, by_number, optional_id
from api.paging import Connection, connection
from domain.community.payments import queries
from domain.community.payments.invoices import InvoiceState
from domain.community.payments.queries import Focus
from domain.community.payments.rules import AskedState, ChargeState, OrderState
from domain.kernel.actor import Actor
from domain.kernel.paging import Page, page_size
from domain.kernel.uow import AnyRow, Reader

T = TypeVar("T")


class Pages(Protocol):
    """A read of a page of what the caller sees of one kind."""

    async def __call__(
        self, reader: Reader, actor: Actor, focus: Focus, *, first: int, after: str | None
    ) -> Page[AnyRow]: ...


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
        return await _page(info, queries.charge_page, types.charge, _focus(area, home, state), first, after)

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
        return await _page(info, queries.order_page, types.order, _focus(area, home, state), first, after)

    @strawberry.field(description="Receipts, newest first. 收据（最新在前）。")
    async def receipts(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[types.Receipt]:
        return await _page(info, queries.receipt_page, types.receipt, _focus(area, home, None), first, after)

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
        return await _page(info, queries.refund_page, types.refund, _focus(area, home, state), first, after)

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
        return await _page(info, queries.invoice_page, papers.invoice, _focus(area, home, state), first, after)

    @strawberry.field(description="Differences in the accounts, newest first. 对账差异（最新在前）。")
    async def reconciliation_items(
        self,
        info: Info,
        area: strawberry.ID | None = None,
        state: papers.ReconciliationState | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[papers.ReconciliationItem]:
        return await _page(info, queries.item_page, papers.item, _focus(area, None, state), first, after)


def _focus(area: strawberry.ID | None, home: strawberry.ID | None, state: str | None) -> Focus:
    where, whose = optional_id(area, "Area", field="area"), optional_id(home, "Home", field="home")
    return Focus(where, whose, None if state is None else str(state))


async def _page(
    info: Info, read_page: Pages, build: Callable[[AnyRow], T], focus: Focus, first: int | None, after: str | None
) -> Connection[T]:
    page = await read_page(info.context.read, info.context.actor, focus, first=page_size(first), after=after)
    return connection(page, build)


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
