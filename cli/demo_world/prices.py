"""What the markets of the demo's compounds ask: a week of prices up to the day of the seed, invented."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from cli.demo_world.places import Compound
from domain.community.prices.rules import Category, Quote

DAYS: Final = 8
_GOODS: Final = (
    ("大白菜", 120, "斤", "", Category.VEGETABLE),
    ("小白菜", 260, "斤", "", Category.VEGETABLE),
    ("菠菜", 350, "斤", "", Category.VEGETABLE),
    ("西红柿", 380, "斤", "大果", Category.VEGETABLE),
    ("西红柿", 620, "斤", "樱桃", Category.VEGETABLE),
    ("土豆", 210, "斤", "", Category.VEGETABLE),
    ("黄瓜", 330, "斤", "", Category.VEGETABLE),
    ("茄子", 420, "斤", "", Category.VEGETABLE),
    ("鲜香菇", 1580, "公斤", "", Category.VEGETABLE),
    ("鸡蛋", 980, "公斤", "", Category.MEAT_EGG),
    ("猪肉", 1450, "斤", "五花", Category.MEAT_EGG),
    ("豆腐", 350, "盒", "", Category.SOY),
    ("苹果", 560, "斤", "", Category.FRUIT),
)


def market_prices(compound: Compound, today: date) -> Iterator[Quote]:
    """Each day's prices, a few per cent up and down by compound, goods and day; always the same for the same day."""
    for ago in range(DAYS):
        day = today - timedelta(days=ago)
        for number, (name, fen, unit, spec, category) in enumerate(_GOODS):
            swing = (7 * number + 5 * compound.index + 3 * day.toordinal()) % 17 - 8
            average = fen * (100 + swing) // 100
            quote = Quote("", day, name, average, unit, average * 9 // 10, average * 11 // 10, spec, "本地", category)
            yield replace(quote, external_id=quote.key)
