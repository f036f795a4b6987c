"""History that is kept for a time: whole months are dropped, rows beside them and logs are deleted in batches.

The application may not delete history; functions of the owner do it, and only by age (``migrations/versions/0005``).
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, select

from domain.kernel.uow import UnitOfWork


class Months(StrEnum):
    """Tables kept by month."""

    RAW_MESSAGES = "raw_message"
    EVENTS = "event"
    SIGHTINGS = "sighting"


class Log(StrEnum):
    """Tables whose rows are history to the application, purged by age alone."""

    QUARANTINED = "quarantined"
    ALERT_CHANGES = "alert_change"
    ALERTS = "alert"
    NOTIFICATIONS = "notification"


async def drop_months(uow: UnitOfWork, *, table: Months, older_than: timedelta) -> int:
    """Drop the month partitions of ``table`` that lie wholly before ``older_than`` ago; how many.

    So a row lives at most a month longer than ``older_than``.
    """
    day = (uow.now - older_than).date()
    return int(await uow.session.scalar(select(func.zhian_drop_partitions_before(str(table), day))) or 0)


async def purge_beside_months(uow: UnitOfWork, *, table: Months, older_than: timedelta, limit: int) -> int:
    """Delete rows older than ``older_than`` that stand in no month: they came so late that theirs had been dropped."""
    return await _purge(uow, f"{table}_pdefault", older_than, limit)


async def purge_log(uow: UnitOfWork, *, table: Log, older_than: timedelta, limit: int) -> int:
    """Delete up to ``limit`` rows of ``table`` older than ``older_than``; alerts age from when they were cleared."""
    return await _purge(uow, str(table), older_than, limit)


async def _purge(uow: UnitOfWork, table: str, older_than: timedelta, limit: int) -> int:
    line = uow.now - older_than
    return int(await uow.session.scalar(select(func.zhian_purge_before(table, line, limit))) or 0)
