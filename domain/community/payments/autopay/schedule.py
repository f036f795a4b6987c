"""When auto-pay takes what, how much of it at once, and what follows when it cannot. Pure.

Dates and hours are the compound's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from domain.community.payments.rules import MOST_CHARGES

NOTICE_DAYS: Final = 2
"""How many days before a charge is due its home is told that it will be taken."""
NOTICE: Final = timedelta(hours=24)
"""What lies at least between being told and being taken from."""
HOUR: Final = time(10)
TRIES: Final = 3
WAIT: Final = timedelta(minutes=30)
"""How long a charge is left alone that somebody pays by hand, or whose last try is not settled."""


class PlanState(StrEnum):
    """PLANNED: it will be taken. TRYING: it is being taken. SETTLED: it was paid by hand, or is owed no longer."""

    PLANNED = "planned"
    TRYING = "trying"
    PAID = "paid"
    SETTLED = "settled"
    SKIPPED = "skipped"
    FAILED = "failed"


class Why(StrEnum):
    """Why something was not taken, or not yet.

    OVER_LIMIT, OVER_MONTH: over the limit of one payment, or of the month. RAISED: it came to more than the home was
    told. DECLINED: the vendor refused it. UNHEARD: the vendor did not answer in time.
    """

    OVER_LIMIT = "over_limit"
    OVER_MONTH = "over_month"
    RAISED = "raised"
    DECLINED = "declined"
    UNHEARD = "unheard"


def today_in(zone: str, now: datetime) -> date:
    """The day it is in a zone."""
    return now.astimezone(ZoneInfo(zone)).date()


def ten_from(earliest: datetime, zone: str) -> datetime:
    """The first ten o'clock of the zone that is not before ``earliest``."""
    local = ZoneInfo(zone)
    day = earliest.astimezone(local).date()
    first = datetime.combine(day, HOUR, local)
    found = first if first >= earliest else datetime.combine(day + timedelta(days=1), HOUR, local)
    return found.astimezone(earliest.tzinfo)


def take_at(due_on: date, now: datetime, zone: str) -> datetime:
    """When a charge that is due on ``due_on`` is taken, of which the home is told now: that morning, or the first one
    that leaves it a day."""
    return max(ten_from(now + NOTICE, zone), datetime.combine(due_on, HOUR, ZoneInfo(zone)).astimezone(now.tzinfo))


def again_at(now: datetime, zone: str) -> datetime:
    """When it is tried again: the next day's ten o'clock."""
    local = ZoneInfo(zone)
    tomorrow = now.astimezone(local).date() + timedelta(days=1)
    return datetime.combine(tomorrow, HOUR, local).astimezone(now.tzinfo)


def month_begins(now: datetime, zone: str) -> datetime:
    """The instant at which the calendar month of the zone began."""
    local = ZoneInfo(zone)
    first = now.astimezone(local).date().replace(day=1)
    return datetime.combine(first, time(), local).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A charge to take: what it comes to now, and what the home was told, in fen."""

    plan_id: int
    charge_id: int
    amount_fen: int
    told_fen: int


@dataclass(frozen=True, slots=True)
class Packed:
    """What one payment takes, and what is not taken and why; of the rest another payment is made."""

    take: tuple[Wanted, ...]
    refused: Mapping[int, Why]


def pack(wanted: Sequence[Wanted], *, limit_fen: int, left_fen: int) -> Packed:
    """One payment of what is wanted, in its order. left_fen: what the month's limit leaves.

    A charge is taken whole and at what was told, or not at all.
    """
    take: list[Wanted] = []
    refused: dict[int, Why] = {}
    total = 0
    for each in wanted:
        if each.amount_fen > each.told_fen:
            refused[each.plan_id] = Why.RAISED
        elif each.amount_fen > limit_fen:
            refused[each.plan_id] = Why.OVER_LIMIT
        elif total + each.amount_fen > left_fen:
            refused[each.plan_id] = Why.OVER_MONTH
        elif total + each.amount_fen <= limit_fen and len(take) < MOST_CHARGES:
            take.append(each)
            total += each.amount_fen
    return Packed(tuple(take), refused)


def tried_enough(tries: int) -> bool:
    """Whether it is left to be paid by hand after so many tries."""
    return tries >= TRIES
