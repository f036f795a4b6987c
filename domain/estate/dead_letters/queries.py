"""Reads of dead letters: what failed, where and how often; never what it was about."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from domain.estate.dead_letters.policies import of_operated_counties
from domain.kernel.actor import Actor
from domain.kernel.keyset import keyset_page
from domain.kernel.outbox import OutboxEvent
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader

COLUMNS = (
    OutboxEvent.id,
    OutboxEvent.name,
    OutboxEvent.compound_id,
    OutboxEvent.created_at,
    OutboxEvent.attempts,
    OutboxEvent.last_error,
)


async def letter_page(reader: Reader, actor: Actor, *, first: int, after: str | None) -> Page[AnyRow]:
    """Dead letters of the counties the actor operates, oldest first. Raises BadCursor."""
    query = select(*COLUMNS).where(OutboxEvent.state == "dead", of_operated_counties(actor))
    return await keyset_page(reader, query, OutboxEvent.id, first=first, after=after)


async def letters_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The dead letters among ``ids`` that the actor sees."""
    query = select(*COLUMNS).where(OutboxEvent.state == "dead", of_operated_counties(actor))
    return await reader.rows(query.where(OutboxEvent.id.in_(ids)))
