"""Batches of prices: many rows by key in one statement, those the caller may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from api.context import Context
from domain.community.prices import queries
from domain.community.prices.queries import Kind
from domain.kernel.uow import AnyRow

LOOK_BACK = timedelta(days=14)


async def markets(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Markets by id."""
    return {row.id: row for row in await queries.markets_by_id(context.read, context.actor, ids)}


async def prices(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Prices by id."""
    return {row.id: row for row in await queries.prices_by_id(context.read, context.actor, ids)}


async def alerts(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """The caller's own alerts by id."""
    return {row.id: row for row in await queries.alerts_by_id(context.read, context.actor, ids)}


async def past(context: Context, keys: Sequence[tuple[Kind, date]]) -> dict[tuple[Kind, date], dict[date, int]]:
    """What the same goods cost in the two weeks before a day, by goods and that day."""
    days = [day for _, day in keys]
    kinds = list({kind for kind, _ in keys})
    found = await queries.past_of(context.read, context.actor, kinds, min(days) - LOOK_BACK, max(days))
    return {key: found.get(key[0], {}) for key in keys}


async def elsewhere(context: Context, names: Sequence[str]) -> dict[str, list[AnyRow]]:
    """The cheapest newest price of each market by name of the goods."""
    return await queries.elsewhere_of(context.read, context.actor, names)


async def indices(context: Context, keys: Sequence[tuple[int, date]]) -> dict[tuple[int, date], list[AnyRow]]:
    """Index values from a day on, by market and that day."""
    since = min(day for _, day in keys)
    found = await queries.indices_of(context.read, context.actor, [market for market, _ in keys], since)
    return {(market, day): [row for row in found.get(market, ()) if row.on_day >= day] for market, day in keys}
