"""Batches of the outbox."""

from __future__ import annotations

from collections.abc import Sequence

from api.context import Context
from domain.estate.dead_letters.queries import letters_by_id
from domain.kernel.uow import AnyRow


async def letters(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Dead letters by id."""
    return {row.id: row for row in await letters_by_id(context.read, context.actor, ids)}
