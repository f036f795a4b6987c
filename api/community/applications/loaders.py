"""Batches of applications: many rows by key in one statement, those the caller may see."""

from __future__ import annotations

from collections.abc import Sequence

from api.context import Context
from domain.community.applications import queries
from domain.kernel.uow import AnyRow


async def applications(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Applications by id."""
    return {row.id: row for row in await queries.applications_by_id(context.read, context.actor, ids)}


async def steps(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Steps by application id."""
    return await queries.steps_by_application(context.read, context.actor, ids)
