"""Reads of what is owed and paid: for the office where it serves, and for homes to their verified residents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from domain.community.payments.invoices import KEPT
from domain.community.payments.models import (
    Charge,
    InvoiceRequest,
    PaymentAttempt,
    PaymentOrder,
    PaymentOrderLine,
    Receipt,
    Refund,
)
from domain.community.payments.policies import items_visible, visible
from domain.community.payments.reconciliation.models import ReconciliationItem
from domain.estate.focus import look_in
from domain.estate.queries import homes_by_id
from domain.estate.visibility import in_scope
from domain.kernel.actor import Actor
from domain.kernel.errors import NotFound
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader

_ATTEMPT = tuple(
    getattr(PaymentAttempt, name)
    for name in (
        "id", "order_id", "home_id", "compound_id", "channel", "state", "amount_fen", "out_trade_no", "transaction_id",
        "created_at", "paid_at", "credited", "refunded_fen",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Focus:
    """Which rows: of an area, of a home, in a state; None = all."""

    area_id: int | None = None
    home_id: int | None = None
    state: str | None = None


async def _page(
    reader: Reader, actor: Actor, table: Any, focus: Focus, *, first: int, after: str | None
) -> Page[AnyRow]:
    """Rows of ``table`` in ``focus``, newest first. Raises NotFound (area or home out of sight), BadCursor."""
    scope = replace(await look_in(reader, actor, focus.area_id), moved_in=())  # since when is for ``visible`` to say
    query: Select[*tuple[Any, ...]] = select(*table.__table__.columns).where(
        in_scope(scope, table), visible(actor, table)
    )
    if focus.home_id is not None:
        if not await homes_by_id(reader, actor, [focus.home_id]):
            raise NotFound(field="home")
        query = query.where(table.home_id == focus.home_id)
    if focus.state is not None:
        query = query.where(table.state == focus.state)
    return await keyset_page(reader, query, table.id, first=first, after=after, newest=True)


async def charge_page(reader: Reader, actor: Actor, focus: Focus, *, first: int, after: str | None) -> Page[AnyRow]:
    """Charges, newest first. Raises NotFound, BadCursor."""
    return await _page(reader, actor, Charge, focus, first=first, after=after)


async def order_page(reader: Reader, actor: Actor, focus: Focus, *, first: int, after: str | None) -> Page[AnyRow]:
    """Orders, newest first. Raises NotFound, BadCursor."""
    return await _page(reader, actor, PaymentOrder, focus, first=first, after=after)


async def receipt_page(reader: Reader, actor: Actor, focus: Focus, *, first: int, after: str | None) -> Page[AnyRow]:
    """Receipts, newest first; ``focus`` without a state. Raises NotFound, BadCursor."""
    return await _page(reader, actor, Receipt, focus, first=first, after=after)


async def refund_page(reader: Reader, actor: Actor, focus: Focus, *, first: int, after: str | None) -> Page[AnyRow]:
    """Refunds, newest first. Raises NotFound, BadCursor."""
    return await _page(reader, actor, Refund, focus, first=first, after=after)


async def invoice_page(reader: Reader, actor: Actor, focus: Focus, *, first: int, after: str | None) -> Page[AnyRow]:
    """Requests for invoices, newest first. Raises NotFound, BadCursor."""
    return await _page(reader, actor, InvoiceRequest, focus, first=first, after=after)


async def item_page(reader: Reader, actor: Actor, focus: Focus, *, first: int, after: str | None) -> Page[AnyRow]:
    """Differences in the accounts, newest first; ``focus`` without a home. Raises NotFound, BadCursor."""
    scope = await look_in(reader, actor, focus.area_id)
    query: Select[*tuple[Any, ...]] = select(*ReconciliationItem.__table__.columns).where(
        in_scope(scope, ReconciliationItem), items_visible(actor)
    )
    if focus.state is not None:
        query = query.where(ReconciliationItem.state == focus.state)
    return await keyset_page(reader, query, ReconciliationItem.id, first=first, after=after, newest=True)


async def items_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The differences among ``ids`` that the actor sees."""
    query = select(*ReconciliationItem.__table__.columns)
    return await reader.rows(query.where(ReconciliationItem.id.in_(ids), items_visible(actor)))


async def invoices_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The requests for invoices among ``ids`` that the actor sees."""
    return await _among(reader, actor, InvoiceRequest, InvoiceRequest.id.in_(ids))


async def _among(reader: Reader, actor: Actor, table: Any, test: ColumnElement[bool]) -> Sequence[AnyRow]:
    query = select(*table.__table__.columns).where(test, visible(actor, table)).order_by(table.id)
    return await reader.rows(query)


async def charges_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The charges among ``ids`` that the actor sees."""
    return await _among(reader, actor, Charge, Charge.id.in_(ids))


async def orders_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The orders among ``ids`` that the actor sees."""
    return await _among(reader, actor, PaymentOrder, PaymentOrder.id.in_(ids))


async def receipts_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The receipts among ``ids`` that the actor sees."""
    return await _among(reader, actor, Receipt, Receipt.id.in_(ids))


async def kept_by_receipt(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, int]:
    """What is kept of what was paid by the receipts ``ids``, in fen, without what went back or is going back."""
    rows = await reader.rows(
        select(Receipt.id, KEPT.label("fen"))
        .join(PaymentAttempt, PaymentAttempt.order_id == Receipt.order_id)
        .where(Receipt.id.in_(ids), PaymentAttempt.credited.is_(True), visible(actor, Receipt))
    )
    return {row.id: row.fen for row in rows}


async def receipts_by_order(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The receipts of the orders ``ids``."""
    return await _among(reader, actor, Receipt, Receipt.order_id.in_(ids))


async def refunds_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The refunds among ``ids`` that the actor sees."""
    return await _among(reader, actor, Refund, Refund.id.in_(ids))


async def refunds_by_charge(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The refunds of the charges ``ids``, oldest first."""
    return await _among(reader, actor, Refund, Refund.charge_id.in_(ids))


async def attempts_by_order(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The attempts to pay the orders ``ids``, oldest first; without what a client opens to pay."""
    query = select(*_ATTEMPT).where(PaymentAttempt.order_id.in_(ids), visible(actor, PaymentAttempt))
    return await reader.rows(query.order_by(PaymentAttempt.id))


async def charges_by_order(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """The charges in the orders ``ids``, by order."""
    rows = await reader.rows(
        select(PaymentOrderLine.order_id, *Charge.__table__.columns)
        .join(Charge, Charge.id == PaymentOrderLine.charge_id)
        .where(PaymentOrderLine.order_id.in_(ids), visible(actor, Charge))
        .order_by(Charge.id)
    )
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(row.order_id, []).append(row)
    return found
