"""What happens in housekeeping that others must act on after the commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.kernel.outbox import DomainEvent


@dataclass(frozen=True, slots=True)
class VisitDone(DomainEvent):
    """The worker has checked out: what was worked by the hour is charged now."""

    name: ClassVar[str] = "housekeeping.done"

    booking_id: int


@dataclass(frozen=True, slots=True)
class VisitRated(DomainEvent):
    """The home has said how it was: the worker's stars are counted."""

    name: ClassVar[str] = "housekeeping.rated"

    worker_id: int
    stars: int
