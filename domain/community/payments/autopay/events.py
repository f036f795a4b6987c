"""What whoever signed auto-pay is told of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.outbox import DomainEvent


@dataclass(frozen=True, slots=True)
class AutopayTold(DomainEvent):
    """The account is to be told what becomes of a charge, or of auto-pay itself (plan_id 0); what: ``telling.News``.

    at: when it is taken, ISO; "" where it is not.
    """

    name: ClassVar[str] = "autopay.told"

    account_id: int
    autopay_id: int
    plan_id: int
    what: str
    fen: int = 0
    at: str = ""
