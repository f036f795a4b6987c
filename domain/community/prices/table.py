"""A list of prices as an office keeps it: CSV with a line of names, in Chinese or English. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from domain.community.prices.entry import Entry, quote_of
from domain.community.prices.errors import InvalidTable
from domain.community.prices.rules import CATEGORY_WORDS, Category, Quote
from domain.kernel.errors import DomainError, Invalid
from domain.kernel.money import fen_of

MOST_LINES: Final = 500
COLUMNS: Final[Mapping[str, str]] = {
    "品名": "name", "name": "name", "规格": "spec", "spec": "spec", "产地": "origin", "origin": "origin",
    "分类": "category", "category": "category", "单位": "unit", "unit": "unit", "最低价": "low", "low": "low",
    "平均价": "average", "价格": "average", "average": "average", "price": "average", "最高价": "high", "high": "high",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no price. line: its number in the file, the names being line 1. error: what is wrong with it."""

    line: int
    error: DomainError


@dataclass(frozen=True, slots=True)
class Table:
    """The prices of a list, and its lines that are none."""

    quotes: tuple[Quote, ...]
    bad: tuple[BadLine, ...]


def read_table(text: str, *, day: date) -> Table:
    """The prices in a list for ``day``. Raises InvalidTable when it is no list of prices at all."""
    rows = list(_rows(text))
    if not rows:
        raise InvalidTable(field="csv", most=MOST_LINES)
    names = [COLUMNS.get(cell.strip().lower().lstrip("\ufeff"), "") for cell in rows[0][1]]
    known = [name for name in names if name]
    if not {"name", "average"} <= set(known) or len(known) != len(set(known)) or len(rows) > MOST_LINES + 1:
        raise InvalidTable(field="csv", most=MOST_LINES)
    quotes: dict[str, Quote] = {}
    bad: list[BadLine] = []
    for line, cells in rows[1:]:
        try:
            quote = _quote(dict(zip(names, cells, strict=False)), day)
            if quote.key in quotes:
                raise Invalid(field="name")  # the same goods twice: which of the two is it?
            quotes[quote.key] = quote
        except DomainError as error:
            bad.append(BadLine(line, error))
    return Table(tuple(quotes.values()), tuple(bad))


def _rows(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Lines with something in them, by their number. Raises InvalidTable."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in text.partition("\n")[0] else ",")
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise InvalidTable(field="csv", most=MOST_LINES) from error


def _quote(cells: Mapping[str, str], day: date) -> Quote:
    """One line. Raises InvalidText, InvalidAmount, InvalidPrice, InvalidRange, Invalid."""

    def cell(name: str) -> str:
        return cells.get(name, "").strip()

    def fen(name: str) -> int | None:
        return fen_of(cell(name).removeprefix("¥").removeprefix("￥"), field=name) if cell(name) else None

    average = fen("average")
    entry = Entry(
        day=day,
        name=cell("name"),
        spec=cell("spec"),
        origin=cell("origin"),
        category=_category(cell("category")),
        unit=cell("unit") or "斤",
        average_fen=0 if average is None else average,
        low_fen=fen("low"),
        high_fen=fen("high"),
    )
    return quote_of(entry)


def _category(word: str) -> Category:
    if not word:
        return Category.VEGETABLE
    found = CATEGORY_WORDS.get(word)
    if found is None:
        try:
            return Category(word.lower())
        except ValueError:
            raise Invalid(field="category") from None
    return found
