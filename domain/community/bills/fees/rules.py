"""What a home owes under a fee rule: by its floor area, as a home, or by its meter. Pure, in whole fen.

Rates are thousandths of a fen per unit (1.85 yuan per m² is 185,000), quantities thousandths of a unit (89.5 m² is
89,500). Every line is rounded by itself, half up, and a bill is the sum of its lines: what is shown adds up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from domain.kernel.errors import Invalid, Messages

UNIT = 1_000
RATE_PLACES, QUANTITY_PLACES = 5, 3
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]+)?")


class Basis(StrEnum):
    """What a rate is counted by: square metres a month, homes a month, or units of a meter."""

    AREA = "area"
    HOME = "home"
    METER = "meter"


class InvalidNumber(Invalid):
    """Not a rate, an area or a reading."""

    code = "INVALID_NUMBER"
    messages: ClassVar[Messages] = {
        "zh-CN": "须为非负数，最多 {places} 位小数",
        "en": "Give a number of at most {places} decimal places, not below zero",
    }


class InvalidTiers(Invalid):
    """Tiers that do not rise, or the last of which ends."""

    code = "INVALID_TIERS"
    messages: ClassVar[Messages] = {
        "zh-CN": "阶梯用量须逐级递增，最后一级不设上限",
        "en": "Tiers must rise, and the last one has no upper end",
    }


@dataclass(frozen=True, slots=True)
class Tier:
    """A rate up to a quantity of the whole period (None: all the rest). Rates and quantities as above."""

    up_to: int | None
    rate: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill. quantity, rate: as above; months: how often it is counted."""

    title: str
    quantity: int
    unit: str
    rate: int
    months: int
    amount_fen: int

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "title": self.title,
            "quantity": self.quantity,
            "unit": self.unit,
            "rate": self.rate,
            "months": self.months,
            "amount_fen": self.amount_fen,
        }


def scaled(text: str, *, places: int, field: str) -> int:
    """The number in ``text`` with its point moved ``places`` to the right. Raises InvalidNumber."""
    if _NUMBER.fullmatch(text.strip()) is None:
        raise InvalidNumber(field=field, places=places)
    number = Decimal(text.strip()).scaleb(places)
    if number != number.to_integral_value():
        raise InvalidNumber(field=field, places=places)
    return int(number)


def unscaled(number: int, *, places: int) -> str:
    """What ``scaled`` read, without needless zeros: 89500 of three places is "89.5"."""
    text = f"{Decimal(number).scaleb(-places):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded(quantity: int, rate: int, months: int = 1) -> int:
    """``quantity`` × ``rate`` × ``months`` in fen, half up."""
    return (quantity * rate * months + UNIT * UNIT // 2) // (UNIT * UNIT)


def check_tiers(tiers: Sequence[Tier]) -> None:
    """Raise InvalidTiers unless each tier ends behind the one before and the last is open."""
    ends = [tier.up_to for tier in tiers]
    closed = [end for end in ends[:-1] if end is not None]
    rising = all(low < high for low, high in zip([0, *closed], closed, strict=False))
    if not tiers or ends[-1] is not None or len(closed) != len(ends) - 1 or not rising:
        raise InvalidTiers(field="tiers")


def tiered(quantity: int, tiers: Sequence[Tier]) -> Iterator[tuple[int, int]]:
    """``quantity`` cut at the ends of ``tiers``: (part, rate), parts above zero, or one of zero."""
    if quantity == 0:
        yield 0, tiers[0].rate
    start = 0
    for tier in tiers:
        end = quantity if tier.up_to is None else min(quantity, tier.up_to)
        if end > start:
            yield end - start, tier.rate
            start = end


def lines_of(title: str, basis: Basis, quantity: int, *, unit: str, tiers: Sequence[Tier], months: int) -> list[Line]:
    """The lines a home is billed. quantity: its area, 1,000 for one home, or what its meter counted.

    A meter's quantity is of the whole period already; areas and homes are counted once for each month.
    """
    if basis is not Basis.METER:
        rate = tiers[0].rate
        return [Line(title, quantity, unit, rate, months, rounded(quantity, rate, months))]
    return [Line(title, part, unit, rate, 1, rounded(part, rate)) for part, rate in tiered(quantity, tiers)]


def total(lines: Sequence[Line]) -> int:
    """The sum of ``lines`` in fen."""
    return sum(line.amount_fen for line in lines)
