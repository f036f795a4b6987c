"""Batches of identity: many rows by id in one statement, those the caller may see."""

from __future__ import annotations

from collections.abc import Sequence

from api.context import Context
from domain.identity import queries


async def people(context: Context, ids: Sequence[int]) -> dict[int, queries.Person]:
    """Accounts by id."""
    return await queries.people_by_id(context.read, context.actor, ids)
