"""Which e-bike carries a tag."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.security.ebikes.models import EBike, EBikeTag
from domain.security.ebikes.rules import TaggedBike


async def bikes_of(connection: AsyncConnection, tags: Iterable[str]) -> dict[str, TaggedBike]:
    """The e-bikes in use that carry ``tags``, by tag."""
    statement = (
        select(EBikeTag.tag, EBike.id, EBike.home_id, EBike.compound_id, EBike.guarded_since)
        .join(EBike, EBike.id == EBikeTag.ebike_id)
        .where(EBikeTag.tag.in_(set(tags)), EBikeTag.removed_at.is_(None), EBike.retired_at.is_(None))
    )
    return {
        row.tag: TaggedBike(row.id, row.home_id, row.compound_id, row.guarded_since)
        for row in await connection.execute(statement)
    }
