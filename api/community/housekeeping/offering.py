"""What came of asking for a time: what was booked, or what is free instead."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from api.community.housekeeping import loaders
from api.community.housekeeping.types.bookings import (
    HousekeepingBooked,
    HousekeepingSlotTaken,
    HousekeepingTaken,
    booking,
)
from api.community.housekeeping.types.catalogue import slot
from api.context import Info
from domain.community.housekeeping.service import Booked, Wanted
from domain.community.housekeeping.slots import Asked, alternatives
from domain.kernel.errors import NotFound


async def booked(info: Info, made: Booked) -> HousekeepingBooked:
    """What was booked, as it is after the commit."""
    read = info.context.loaders
    read.forget()
    rows = await asyncio.gather(*(read.one(loaders.bookings, each) for each in made.booking_ids))
    return HousekeepingBooked(bookings=[booking(row) for row in rows if row is not None], skipped=list(made.skipped))


async def instead(info: Info, wanted: Wanted, taken: Sequence[datetime]) -> HousekeepingSlotTaken:
    """What is free instead of each time that is taken. Raises NotFound when the service is gone meanwhile."""
    read, now = info.context.read, info.context.now()
    service = await info.context.loaders.one(loaders.services, wanted.service_id)
    if service is None:
        raise NotFound(field="service")
    asked = Asked(minutes=wanted.minutes, square_metres=wanted.square_metres, worker_id=wanted.worker_id)
    found = []
    for each in taken:
        free = await alternatives(read, service, asked, wanted=each, now=now)
        found.append(HousekeepingTaken(starts_at=each, alternatives=[slot(one) for one in free]))
    return HousekeepingSlotTaken(taken=found)
