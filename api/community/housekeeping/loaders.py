"""Batches of housekeeping: many rows by key in one statement, those the caller may see."""

from __future__ import annotations

from collections.abc import Sequence

from api.context import Context
from domain.community.housekeeping import queries
from domain.community.housekeeping.slots import Slot, Wish, offered
from domain.kernel.uow import AnyRow


async def providers(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Providers by id."""
    return {row.id: row for row in await queries.providers_by_id(context.read, context.actor, ids)}


async def services(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Price list entries by id."""
    return {row.id: row for row in await queries.services_by_id(context.read, context.actor, ids)}


async def workers(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Workers by id."""
    return {row.id: row for row in await queries.workers_by_id(context.read, context.actor, ids)}


async def absences(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Absences by id."""
    return {row.id: row for row in await queries.absences_by_id(context.read, context.actor, ids)}


async def services_of(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Price lists by provider id."""
    return await queries.services_of(context.read, context.actor, ids)


async def workers_of(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Workers by provider id."""
    return await queries.workers_of(context.read, context.actor, ids)


async def shifts_of(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Weekly hours by worker id."""
    return await queries.shifts_of(context.read, context.actor, ids)


async def slots(context: Context, wishes: Sequence[Wish]) -> dict[Wish, list[Slot]]:
    """Free times by what is asked for."""
    return await offered(context.read, wishes, now=context.now())


async def bookings(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Bookings by id."""
    return {row.id: row for row in await queries.bookings_by_id(context.read, context.actor, ids)}


async def series(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Series by id."""
    return {row.id: row for row in await queries.series_by_id(context.read, context.actor, ids)}


async def bookings_of(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Bookings by series id."""
    return await queries.bookings_of_series(context.read, context.actor, ids)
