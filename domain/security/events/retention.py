"""What ingest keeps too long, forgotten in bounded batches; and the tally, folded without changing its sums."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, tuple_

from domain.kernel.uow import UnitOfWork
from domain.security.events.models import Picture, RuleRetry

JUDGED_KEPT = timedelta(days=7)

FOLD = text("""
    with gone as (
      delete from ingest_tally where id = any(array(select id from ingest_tally order by id limit :most))
      returning channel, received, stored, duplicate, quarantined, late
    ), folded as (
      insert into ingest_tally (channel, received, stored, duplicate, quarantined, late)
      select channel, sum(received), sum(stored), sum(duplicate), sum(quarantined), sum(late) from gone group by channel
    )
    select count(*) from gone
""")


async def fold_tally(uow: UnitOfWork, *, most: int, unless_under: int = 100) -> int:
    """Fold the ``most`` oldest tally rows into one per channel; nothing while there are fewer than ``unless_under``.

    One statement: whoever sums the table sees the rows or their fold, never both or neither.
    """
    few = await uow.session.scalar(
        text("select count(*) from (select from ingest_tally limit :n) as sample"), {"n": unless_under}
    )
    if few is None or few < unless_under:
        return 0
    return int(await uow.session.scalar(FOLD, {"most": most}) or 0)


async def forget_pictures(uow: UnitOfWork, *, limit: int) -> list[str]:
    """Delete rows of pictures whose time has passed; the sha256 of each deleted row (one may be named twice)."""
    key = (Picture.compound_id, Picture.event_id, Picture.ordinal)
    over = select(*key).where(Picture.expires_at <= uow.now).order_by(Picture.expires_at).limit(limit)
    gone = await uow.session.execute(
        delete(Picture)
        .where(tuple_(*key).in_(over))
        .returning(Picture.sha256)
        .execution_options(synchronize_session=False)
    )
    return list(gone.scalars())


async def unused_pictures(uow: UnitOfWork, shas: Sequence[str]) -> set[str]:
    """Which of ``shas`` no picture refers to any more, in any compound of the scope (which must be everything)."""
    used = await uow.session.execute(select(Picture.sha256).where(Picture.sha256.in_(shas)).distinct())
    return set(shas) - set(used.scalars())


async def forget_judged(uow: UnitOfWork, *, limit: int) -> int:
    """Delete retries of rules that were judged to the end ``JUDGED_KEPT`` ago; those given up stay for a person."""
    over = select(RuleRetry.id).where(RuleRetry.done_at < uow.now - JUDGED_KEPT).limit(limit)
    gone = await uow.session.execute(delete(RuleRetry).where(RuleRetry.id.in_(over)).returning(RuleRetry.id))
    return len(gone.all())


async def purge_inbox(uow: UnitOfWork, *, limit: int) -> int:
    """Forget record keys older than 400 days: a device that repeats itself later than that is told anew."""
    return int(await uow.session.scalar(select(func.zhian_purge_inbox(limit))) or 0)


async def ensure_partitions(uow: UnitOfWork, *, ahead: timedelta = timedelta(days=93)) -> int:
    """Make the month partitions from last month to ``ahead``; how many were missing."""
    first, last = _month(uow.now - timedelta(days=31)), _month(uow.now + ahead)
    return int(await uow.session.scalar(select(func.zhian_ensure_partitions(first.date(), last.date()))) or 0)


def _month(instant: datetime) -> datetime:
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
