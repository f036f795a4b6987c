"""What people said around a repair, and where it was, is forgotten when nobody needs it any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select, update

from domain.community.repairs.models import RepairRequest
from domain.community.repairs.rules import RepairState
from domain.kernel.uow import UnitOfWork

WORDS_KEPT = timedelta(days=400)
OVER = (RepairState.DONE, RepairState.CANCELLED, RepairState.REJECTED)
WORDS = ("address", "description", "rating", "visit_note", "worker_name")


async def forget_words(uow: UnitOfWork, *, limit: int) -> int:
    """Empty WORDS of up to ``limit`` repairs asked for long ago, over and out of warranty; how many. What was done and
    what it cost stays: it is on account."""
    said = or_(*(getattr(RepairRequest, name) != "" for name in WORDS))
    warranted = RepairRequest.warranty_until >= uow.now.date()
    old = (
        select(RepairRequest.id)
        .where(RepairRequest.submitted_at < uow.now - WORDS_KEPT, RepairRequest.state.in_(OVER), said)
        .where(warranted.is_not(True))
        .limit(limit)
    )
    forgotten = await uow.session.execute(
        update(RepairRequest)
        .where(RepairRequest.id.in_(old))
        .values(dict.fromkeys(WORDS, ""))
        .returning(RepairRequest.id)
        .execution_options(synchronize_session=False)
    )
    return len(forgotten.all())
