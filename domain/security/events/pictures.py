"""Pictures of events: kept after the event is committed and before the device is acknowledged.

The alarm does not wait for a decoder. When the process dies between the two, the device sends again: the repeat finds
its event through the inbox and its pictures are kept then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.actor import Scope
from domain.kernel.errors import DomainError
from domain.kernel.pictures import PictureStore
from domain.kernel.uow import transaction
from domain.security.events.models import Inbox, Picture
from domain.security.events.rows import Row

log = structlog.get_logger(__name__)

Place = tuple[int, datetime]


async def keep_pictures(
    engine: AsyncEngine, scope: Scope, store: PictureStore, rows: Sequence[Row], *, kept: timedelta
) -> int:
    """Keep the pictures that came with ``rows`` (committed); how many were kept.

    A picture that cannot be kept is logged and left: it is no reason to refuse the event it came with.
    """
    with_pictures = [row for row in rows if row.observation.pictures and row.is_event]
    if not with_pictures:
        return 0
    places = await _events_of_repeats(engine, scope, [row for row in with_pictures if not row.stored])
    values: list[dict[str, Any]] = []
    for row in with_pictures:
        place = (row.event_id, row.at) if row.stored else places.get(row.key or "")
        if place is not None:
            values += await _admit(store, row, place, row.received_at + kept)
    if values:
        async with transaction(engine, scope) as connection:
            await connection.execute(insert(Picture).on_conflict_do_nothing(), values)
    return len(values)


async def _events_of_repeats(engine: AsyncEngine, scope: Scope, rows: Sequence[Row]) -> dict[str, Place]:
    """The events that repeated records became the first time, where those have no pictures yet."""
    keys = [(row.device.compound_id, row.key) for row in rows if row.key is not None]
    if not keys:
        return {}
    has_pictures = select(Picture.event_id).where(
        Picture.compound_id == Inbox.compound_id, Picture.event_id == Inbox.event_id
    )
    statement = select(Inbox.key, Inbox.event_id, Inbox.event_at).where(
        tuple_(Inbox.compound_id, Inbox.key).in_(keys), Inbox.event_id.is_not(None), ~has_pictures.exists()
    )
    compounds = Scope(counties=scope.counties, compounds=tuple({compound for compound, _ in keys}))
    async with transaction(engine, compounds, read_only=True) as connection:
        found = (await connection.execute(statement)).all()
    return {row.key.hex: (row.event_id, row.event_at) for row in found}


async def _admit(store: PictureStore, row: Row, place: Place, expires_at: datetime) -> list[dict[str, Any]]:
    device, kept = row.device, []
    for ordinal, part in enumerate(row.observation.pictures):
        try:
            picture = await store.admit(part.content)
        except (DomainError, OSError) as refused:
            code = refused.code if isinstance(refused, DomainError) else type(refused).__name__
            log.warning("picture_not_kept", device=device.id, event_id=place[0], code=code)
            continue
        kept.append(
            {
                "county_id": device.county_id,
                "town_id": device.town_id,
                "community_id": device.community_id,
                "compound_id": device.compound_id,
                "event_id": place[0],
                "event_at": place[1],
                "ordinal": ordinal,
                "name": part.label[:60].replace("\x00", ""),
                "sha256": picture.sha256,
                "width": picture.width,
                "height": picture.height,
                "size": picture.size,
                "expires_at": expires_at,
            }
        )
    return kept
