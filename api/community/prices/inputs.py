"""Inputs of prices' mutations."""

from __future__ import annotations

from datetime import date

import strawberry

from domain.community.prices.entry import Entry
from domain.community.prices.rules import Category


@strawberry.input(description="A price of the compound's own market. 录入菜价参数。")
class RecordPriceInput:
    """Fen for one ``unit``. The same goods of the same day take the place of what was entered before."""

    compound: strawberry.ID
    day: date
    name: str
    average_fen: int
    unit: str = "斤"
    low_fen: int | None = None
    high_fen: int | None = None
    spec: str = ""
    origin: str = ""
    category: Category = Category.VEGETABLE

    def entry(self) -> Entry:
        """The input in the domain's words."""
        return Entry(
            day=self.day,
            name=self.name,
            average_fen=self.average_fen,
            unit=self.unit,
            low_fen=self.low_fen,
            high_fen=self.high_fen,
            spec=self.spec,
            origin=self.origin,
            category=self.category,
        )
