"""What housekeeping costs and how long it takes. Pure; money is integer fen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.community.housekeeping.errors import InvalidLicence, InvalidQuantity, InvalidStars, InvalidTerms

STEP = 30
"""Minutes: bookings begin and last in half hours."""
MOST_MINUTES = 12 * 60
MOST_SQUARE_METRES = 1_000
MOST_PACE = 500
MOST_FEN = 10_000_000
CHECK_IN_BEFORE = timedelta(minutes=60)

_LICENCE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")


class Unit(StrEnum):
    """What a price is for."""

    HOUR = "hour"
    VISIT = "visit"
    SQUARE_METRE = "square_metre"


class State(StrEnum):
    """Where a booking is: BOOKED -> UNDER_WAY -> DONE, or BOOKED -> CANCELLED."""

    BOOKED = "booked"
    UNDER_WAY = "under_way"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Terms:
    """An entry of a price list.

    minutes: how long a visit takes; of the other units the least that is booked. pace: square metres in an hour.
    free_hours: cancelling costs nothing until so many hours before; ``late_percent`` of the price from then on.
    """

    unit: Unit
    price_fen: int
    minimum_fen: int
    minutes: int
    pace: int | None = None
    free_hours: int = 24
    late_percent: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """How much is booked (minutes, visits or square metres), how long that takes, what it costs."""

    quantity: int
    minutes: int
    price_fen: int


def checked(terms: Terms) -> Terms:
    """``terms`` as they are. Raises InvalidTerms."""
    for name, value, least, most in (
        ("priceFen", terms.price_fen, 1, MOST_FEN),
        ("minimumFen", terms.minimum_fen, 0, MOST_FEN),
        ("minutes", terms.minutes, STEP, MOST_MINUTES),
        ("freeHours", terms.free_hours, 0, 168),
        ("latePercent", terms.late_percent, 0, 100),
    ):
        if not least <= value <= most:
            raise InvalidTerms(field=name, least=least, most=most)
    if terms.minutes % STEP:
        raise InvalidTerms(field="minutes", least=STEP, most=MOST_MINUTES)
    by_area = terms.unit is Unit.SQUARE_METRE
    if by_area != (terms.pace is not None) or (terms.pace is not None and not 1 <= terms.pace <= MOST_PACE):
        raise InvalidTerms(field="pace", least=1, most=MOST_PACE)
    return terms


def licence_of(text: str) -> str:
    """The unified social credit code written in ``text``; "" where there is none. Raises InvalidLicence."""
    code = text.strip().upper()
    if code and not _LICENCE.fullmatch(code):
        raise InvalidLicence(field="licence")
    return code


def order(terms: Terms, *, minutes: int | None = None, square_metres: int | None = None) -> Order:
    """What is booked under ``terms``: minutes of an hourly service, square metres, or one visit. The least of an hourly
    service, and fifty square metres, when nothing is said. Raises InvalidQuantity."""
    if terms.unit is Unit.VISIT:
        if minutes is not None or square_metres is not None:
            raise InvalidQuantity(field="minutes" if minutes is not None else "squareMetres", least=1, most=1)
        return Order(1, terms.minutes, price(terms, 1))
    if terms.unit is Unit.HOUR:
        asked = terms.minutes if minutes is None else minutes
        if square_metres is not None or asked % STEP or not terms.minutes <= asked <= MOST_MINUTES:
            raise InvalidQuantity(field="minutes", least=terms.minutes, most=MOST_MINUTES)
        return Order(asked, asked, price(terms, asked))
    pace = terms.pace or 1
    most = min(MOST_SQUARE_METRES, pace * MOST_MINUTES // 60)
    area = min(50, most) if square_metres is None else square_metres
    if minutes is not None or not 1 <= area <= most:
        raise InvalidQuantity(field="squareMetres", least=1, most=most)
    return Order(area, max(terms.minutes, _half_hours(-(-area * 60 // pace))), price(terms, area))


def _half_hours(minutes: int) -> int:
    """``minutes`` in half hours that are begun."""
    return -(-minutes // STEP) * STEP


def price(terms: Terms, quantity: int) -> int:
    """Fen for ``quantity`` minutes, visits or square metres: never less than the minimum, a broken fen is none."""
    worth = terms.price_fen * quantity
    return max(terms.minimum_fen, worth // 60 if terms.unit is Unit.HOUR else worth)


def worked(terms: Terms, *, booked: int, began: datetime, ended: datetime) -> int:
    """Minutes of an hourly service to be paid: half hours begun, at least the least and at most what was booked."""
    minutes = _half_hours(-(-int((ended - began).total_seconds()) // 60))
    return min(booked, max(terms.minutes, minutes))


def free_until(terms: Terms, starts_at: datetime) -> datetime:
    """Until when cancelling costs nothing."""
    return starts_at - timedelta(hours=terms.free_hours)


def fee(*, price_fen: int, late_percent: int, now: datetime, free_until: datetime) -> int:
    """Fen for cancelling at ``now``; a broken fen is none."""
    return 0 if now <= free_until else price_fen * late_percent // 100


def stars_of(stars: int) -> int:
    """``stars`` as they are. Raises InvalidStars."""
    if not 1 <= stars <= 5:
        raise InvalidStars(field="stars")
    return stars
