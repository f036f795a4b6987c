"""What happened to charges and is told to the slice that opened them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.outbox import DomainEvent


@dataclass(frozen=True, slots=True)
class ChargePaid(DomainEvent):
    """A charge is paid. subject, subject_id: what it was opened for."""

    name: ClassVar[str] = "charge.paid"

    compound_id: int
    charge_id: int
    subject: str
    subject_id: int


@dataclass(frozen=True, slots=True)
class ChargeRefunded(DomainEvent):
    """Some or all of a paid charge came back to the payer. amount_fen: this time."""

    name: ClassVar[str] = "charge.refunded"

    compound_id: int
    charge_id: int
    subject: str
    subject_id: int
    amount_fen: int
