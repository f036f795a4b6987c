"""What happens in prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.outbox import DomainEvent


@dataclass(frozen=True, slots=True)
class PriceAlertReached(DomainEvent):
    """A price fell below what somebody waits for. fen: for 500 g. on_day: ISO date."""

    name: ClassVar[str] = "price_alert.reached"

    alert_id: int
    account_id: int
    market_id: int
    goods: str
    fen: int
    below_fen: int
    on_day: str
