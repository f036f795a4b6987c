"""Batches of repairs: many rows by key in one statement, those the caller may see."""

from __future__ import annotations

from collections.abc import Sequence

from api.context import Context
from domain.community.repairs import queries
from domain.kernel.uow import AnyRow


async def repairs(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Repairs by id."""
    return {row.id: row for row in await queries.repairs_by_id(context.read, context.actor, ids)}


async def offers(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Offers by id of the repair."""
    return {row.id: row for row in await queries.offers_by_id(context.read, context.actor, ids)}


async def workers(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Workers by id."""
    return {row.id: row for row in await queries.workers_by_id(context.read, context.actor, ids)}


async def quotations(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Quotations by repair."""
    return await queries.quotations_by_repair(context.read, context.actor, ids)


async def items(context: Context, keys: Sequence[tuple[int, int | None]]) -> dict[tuple[int, int | None], list[AnyRow]]:
    """Items by repair and quotation; None: what was used."""
    ids = sorted({repair for repair, _ in keys})
    return await queries.items_by_repair(context.read, context.actor, ids)


async def charges(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Charges of repairs by id."""
    return {row.id: row for row in await queries.charges_by_id(context.read, context.actor, ids)}
