"""Trying again what was given up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import select

from domain.estate.dead_letters.errors import TooManyLetters
from domain.estate.dead_letters.policies import of_operated_counties
from domain.estate.models import Area
from domain.kernel import relay
from domain.kernel.outbox import OutboxEvent
from domain.kernel.paging import MAX_PAGE
from domain.kernel.uow import UnitOfWork


async def retry_letters(uow: UnitOfWork, *, ids: Sequence[int]) -> int:
    """Give the dead letters ``ids`` a fresh set of attempts; how many. What their handlers have done stays done.

    Ids out of sight, unknown or no longer dead count for nothing, alike. Raises TooManyLetters.
    """
    if len(ids) > MAX_PAGE:
        raise TooManyLetters(field="ids", most=MAX_PAGE)
    seen = await uow.session.execute(
        select(OutboxEvent.id, Area.county_id, Area.town_id, Area.community_id, Area.compound_id)
        .join(Area, Area.id == OutboxEvent.compound_id)
        .where(OutboxEvent.id.in_(ids), OutboxEvent.state == "dead", of_operated_counties(uow.actor))
        .order_by(OutboxEvent.id)
        .with_for_update(of=OutboxEvent)
    )
    letters = seen.all()
    for _, alike in groupby(sorted(letters, key=_compound), _compound):
        found = list(alike)
        uow.record("dead_letters.retried", "DeadLetter", where=found[0], details={"ids": [row.id for row in found]})
    return await relay.retry_dead(uow, [row.id for row in letters])


def _compound(row: Any) -> int:
    return int(row.compound_id)
