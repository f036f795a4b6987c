"""What a bill comes to on a day: its amount, the late fee, the discount for paying early. Pure, in whole fen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class DueTerms:
    """When and by how much the sum of a bill changes; shares are in millionths of the amount (500 = 0.05 %).

    late_daily: for each day behind the deadline, at most ``late_cap`` in all; none of it within ``grace_days``.
    discount: off the amount through ``discount_until``.
    """

    deadline: date
    late_daily: int = 0
    late_cap: int = 0
    grace_days: int = 0
    discount: int = 0
    discount_until: date | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A bill's sums on a day. total: what is to be paid; never below zero. changes_on: the next day it may differ."""

    amount: int
    late: int
    discount: int
    prepaid: int
    total: int
    changes_on: date | None


def late_fee(amount: int, terms: DueTerms, today: date) -> int:
    """The late fee of ``amount`` fen: simple, by the day, rounded down, capped."""
    days = (today - terms.deadline).days
    if amount <= 0 or days <= terms.grace_days:
        return 0
    return min(amount * terms.late_daily * days // MILLION, amount * terms.late_cap // MILLION)


def early_discount(amount: int, terms: DueTerms, today: date) -> int:
    """What paying on ``today`` saves, rounded down."""
    if amount <= 0 or terms.discount_until is None or today > terms.discount_until:
        return 0
    return min(amount, amount * terms.discount // MILLION)


def due(amount: int, terms: DueTerms, today: date, *, prepaid: int = 0, charged_late: int = 0) -> Due:
    """What a bill of ``amount`` fen comes to on ``today``.

    prepaid: already taken from the home's balance. charged_late: a late fee that came with the bill, of a supplier that
    counts it by itself; ours is counted beside it.
    """
    late = charged_late + late_fee(amount, terms, today)
    discount = early_discount(amount, terms, today)
    total = max(0, amount + late - discount - prepaid)
    return Due(amount, late, discount, prepaid, total, _changes_on(amount, terms, today))


def _changes_on(amount: int, terms: DueTerms, today: date) -> date | None:
    days: list[date] = []
    if terms.discount_until is not None and terms.discount and today <= terms.discount_until:
        days.append(terms.discount_until + timedelta(days=1))
    if terms.late_daily and late_fee(amount, terms, today) < amount * terms.late_cap // MILLION:
        days.append(max(today, terms.deadline + timedelta(days=terms.grace_days)) + timedelta(days=1))
    return min(days, default=None)
