"""What happens in notifications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.outbox import DomainEvent


@dataclass(frozen=True, slots=True)
class NotificationWritten(DomainEvent):
    """An account is to be told; its push must go out."""

    name: ClassVar[str] = "notification.written"

    notification_id: int
