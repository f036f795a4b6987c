"""Batches of pictures: those of many things of one slice in one statement."""

from __future__ import annotations

from collections.abc import Sequence

from api.context import Context
from domain.community.uploads import queries
from domain.community.uploads.rules import Subject
from domain.kernel.uow import AnyRow


async def uploads(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """The caller's own unused uploads by id."""
    found = await queries.uploads_by_id(context.read, context.actor, ids, context.now())
    return {row.id: row for row in found}


async def attachments(context: Context, keys: Sequence[tuple[Subject, int]]) -> dict[tuple[Subject, int], list[AnyRow]]:
    """Pictures by slice and id of the thing."""
    found: dict[tuple[Subject, int], list[AnyRow]] = {}
    for subject in {subject for subject, _ in keys}:
        ids = [number for kind, number in keys if kind is subject]
        of = await queries.attachments_of(context.read, context.actor, subject, ids, context.now())
        found |= {(subject, number): rows for number, rows in of.items()}
    return found
