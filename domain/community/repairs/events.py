"""What the repairs slice says happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.outbox import DomainEvent


@dataclass(frozen=True, slots=True)
class RepairDone(DomainEvent):
    """The work is done: what it costs is to be charged."""

    name: ClassVar[str] = "repair.done"

    repair_id: int


@dataclass(frozen=True, slots=True)
class RepairOverdue(DomainEvent):
    """Nobody took it in time ("accept"), or it is not done in time ("finish")."""

    name: ClassVar[str] = "repair.overdue"

    repair_id: int
    late: str


@dataclass(frozen=True, slots=True)
class RepairTold(DomainEvent):
    """An account is to be told what became of a repair; what: ``telling.News``."""

    name: ClassVar[str] = "repair.told"

    repair_id: int
    account_id: int
    what: str
