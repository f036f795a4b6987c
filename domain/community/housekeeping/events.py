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


@dataclass(frozen=True, slots=True)
class VisitTold(DomainEvent):
    """A worker is to be told what became of a visit, or of several of which it is the first; what: ``telling.News``."""

    name: ClassVar[str] = "housekeeping.told"

    booking_id: int
    account_id: int
    what: str
    times: int = 1
