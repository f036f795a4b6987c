"""What a gateway reports of a message it took: that it arrived on a phone, or never will."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import case, func, update

from domain.kernel.errors import Conflict, Messages, NotFound
from domain.kernel.nonces import take_once
from domain.kernel.uow import UnitOfWork
from domain.security.notifications.models import Notification

SOURCE: Final = "gateway"
_KEY: Final = re.compile(r"notification-([1-9][0-9]{0,8})-([1-9][0-9]{0,17})")


class Replayed(Conflict):
    """This very report has been taken before."""

    code = "REPLAYED"
    messages: ClassVar[Messages] = {"zh-CN": "该回执已处理", "en": "This report has been taken before"}


class Fate(StrEnum):
    """What became of a message."""

    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """``key``: the id the message went out under."""

    key: str
    fate: Fate

    @property
    def place(self) -> tuple[int, int] | None:
        """Compound and id of the notification; None for other messages, of which nothing is kept."""
        found = _KEY.fullmatch(self.key)
        return (int(found[1]), int(found[2])) if found else None


async def take_receipt(uow: UnitOfWork, *, message_id: str, receipt: Receipt) -> None:
    """Mark the notification with the first report of each kind; an arrival ends an earlier failure.

    Raises Replayed when ``message_id`` was taken before, NotFound when there is no such notification.
    """
    if not await take_once(uow, source=SOURCE, nonce=message_id):
        raise Replayed
    if receipt.place is None:
        return
    compound_id, notification_id = receipt.place
    now, arrived_at = uow.now, Notification.arrived_at
    if receipt.fate is Fate.DELIVERED:
        values: dict[str, Any] = {"arrived_at": func.coalesce(arrived_at, now), "failed_at": None}
    else:
        values = {"failed_at": case((arrived_at.is_(None), func.coalesce(Notification.failed_at, now)))}
    marked = await uow.session.execute(
        update(Notification)
        .where(Notification.compound_id == compound_id, Notification.id == notification_id)
        .values(values)
        .returning(Notification.id)
        .execution_options(synchronize_session=False)
    )
    if marked.first() is None:
        raise NotFound
