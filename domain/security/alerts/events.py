"""What the alerts slice says happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.outbox import DomainEvent


@dataclass(frozen=True, slots=True)
class AlertRaised(DomainEvent):
    """An alert opened ("raised") or became worse ("risen"): its audience must be told."""

    name: ClassVar[str] = "alert.raised"

    alert_id: int
    change: str
    compound_id: int
