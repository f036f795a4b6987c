"""A price as somebody enters it, checked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.community.prices.errors import InvalidPrice, InvalidRange
from domain.community.prices.rules import MAX_FEN, MAX_NAME, MAX_SPEC, MAX_UNIT, Category, Quote
from domain.kernel.texts import words


@dataclass(frozen=True, slots=True)
class Entry:
    """What is entered: fen for one ``unit``."""

    day: date
    name: str
    average_fen: int
    unit: str = "斤"
    low_fen: int | None = None
    high_fen: int | None = None
    spec: str = ""
    origin: str = ""
    category: Category = Category.VEGETABLE


def quote_of(entry: Entry) -> Quote:
    """The price of an entry. Raises InvalidText, InvalidPrice, InvalidRange."""
    prices = {"low": entry.low_fen, "average": entry.average_fen, "high": entry.high_fen}
    for field, fen in prices.items():
        if fen is not None and not 0 < fen <= MAX_FEN:
            raise InvalidPrice(field=field)
    given = [fen for fen in prices.values() if fen is not None]
    if given != sorted(given):
        raise InvalidRange(field="average")
    return Quote(
        external_id="",
        on_day=entry.day,
        name=words(entry.name, field="name", most=MAX_NAME, least=1),
        average_fen=entry.average_fen,
        unit=words(entry.unit, field="unit", most=MAX_UNIT, least=1),
        low_fen=entry.low_fen,
        high_fen=entry.high_fen,
        spec=words(entry.spec, field="spec", most=MAX_SPEC),
        origin=words(entry.origin, field="origin", most=MAX_SPEC),
        category=entry.category,
    )
