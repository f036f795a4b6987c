"""What people said around a visit, and where it was, is forgotten when nobody needs it any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select, update

from domain.community.housekeeping.models import Booking
from domain.kernel.uow import UnitOfWork

WORDS_KEPT = timedelta(days=400)


async def forget_words(uow: UnitOfWork, *, limit: int) -> int:
    """Empty address, note and review of up to ``limit`` visits that ended long ago; how many. The booking stays: it
    was paid, and that is on account."""
    said = or_(Booking.address != "", Booking.note != "", Booking.review != "")
    old = select(Booking.id).where(Booking.ends_at < uow.now - WORDS_KEPT, said).limit(limit)
    forgotten = await uow.session.execute(
        update(Booking)
        .where(Booking.id.in_(old))
        .values(address="", note="", review="")
        .returning(Booking.id)
        .execution_options(synchronize_session=False)
    )
    return len(forgotten.all())
