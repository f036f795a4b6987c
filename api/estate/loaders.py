"""Batches of the estate: many rows by id in one statement, those the caller may see."""

from __future__ import annotations

from collections.abc import Sequence

from api.context import Context
from domain.estate import queries
from domain.kernel.uow import AnyRow


async def areas(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Areas by id."""
    return {row.id: row for row in await queries.areas_by_id(context.read, context.actor, ids)}


async def buildings(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Buildings by id."""
    return {row.id: row for row in await queries.buildings_by_id(context.read, context.actor, ids)}


async def homes(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Homes by id."""
    return {row.id: row for row in await queries.homes_by_id(context.read, context.actor, ids)}
