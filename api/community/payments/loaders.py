"""Batches of payments: many rows by key in one statement, those the caller may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from api.context import Context
from domain.community.payments import queries
from domain.kernel.uow import AnyRow


async def charges(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Charges by id."""
    return {row.id: row for row in await queries.charges_by_id(context.read, context.actor, ids)}


async def orders(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Orders by id."""
    return {row.id: row for row in await queries.orders_by_id(context.read, context.actor, ids)}


async def receipts(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Receipts by id."""
    return {row.id: row for row in await queries.receipts_by_id(context.read, context.actor, ids)}


async def receipt_of(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Receipts by order id."""
    return {row.order_id: row for row in await queries.receipts_by_order(context.read, context.actor, ids)}


async def invoices(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Requests for invoices by id."""
    return {row.id: row for row in await queries.invoices_by_id(context.read, context.actor, ids)}


async def kept(context: Context, ids: Sequence[int]) -> dict[int, int]:
    """What is kept of what was paid, in fen, by receipt id."""
    return await queries.kept_by_receipt(context.read, context.actor, ids)


async def items(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Differences in the accounts by id."""
    return {row.id: row for row in await queries.items_by_id(context.read, context.actor, ids)}


async def charges_of(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Charges by order id."""
    return await queries.charges_by_order(context.read, context.actor, ids)


async def attempts_of(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Attempts by order id."""
    return _grouped(await queries.attempts_by_order(context.read, context.actor, ids), "order_id")


async def refunds(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Refunds by id."""
    return {row.id: row for row in await queries.refunds_by_id(context.read, context.actor, ids)}


async def refunds_of(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Refunds by charge id."""
    return _grouped(await queries.refunds_by_charge(context.read, context.actor, ids), "charge_id")


def _grouped(rows: Iterable[AnyRow], key: str) -> dict[int, list[AnyRow]]:
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(getattr(row, key), []).append(row)
    return found
