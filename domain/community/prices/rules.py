"""Units, categories, days and comparisons of prices. Pure.

One unit is compared: fen for 500 g (a 斤). What is sold by the box or the piece has a price and no such figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

SOURCE_ZONE: Final = ZoneInfo("Asia/Shanghai")
"""Days of markets that are fetched."""
FETCHED_FROM: Final = timedelta(hours=7, minutes=30)
"""When a day's prices are fetched, after that day's midnight: markets publish them in the early morning."""
BACK_OFF: Final = timedelta(minutes=10)
LONGEST_BACK_OFF: Final = timedelta(hours=6)
MOST_DAYS_BACK: Final = 7
"""Days that are fetched at most: after a longer gap the older ones stay missing."""
MAX_FEN: Final = 10_000_000
MOST_ALERTS: Final = 20
MAX_NAME, MAX_SPEC, MAX_UNIT = 40, 60, 10

JIN_IN: Final[Mapping[str, Decimal]] = {
    "斤": Decimal(1), "500g": Decimal(1), "500克": Decimal(1), "市斤": Decimal(1),
    "公斤": Decimal(2), "千克": Decimal(2), "kg": Decimal(2),
    "两": Decimal("0.1"), "50g": Decimal("0.1"), "100g": Decimal("0.2"), "克": Decimal("0.002"), "g": Decimal("0.002"),
    "吨": Decimal(2000), "t": Decimal(2000),
}  # fmt: skip
"""How many 500 g a unit of weight has. Everything else (盒, 个, 箱, 把) is kept and not converted."""


class Source(StrEnum):
    """Who says what a price is."""

    OFFICE = "office"
    XINFADI = "xinfadi"
    MOA = "moa"


class Category(StrEnum):
    """What is sold."""

    VEGETABLE = "vegetable"
    FRUIT = "fruit"
    GRAIN_OIL = "grain_oil"
    MEAT_EGG = "meat_egg"
    AQUATIC = "aquatic"
    SOY = "soy"
    SEASONING = "seasoning"
    OTHER = "other"


CATEGORY_WORDS: Final[Mapping[str, Category]] = {
    "蔬菜": Category.VEGETABLE, "水果": Category.FRUIT, "粮油": Category.GRAIN_OIL, "肉禽蛋": Category.MEAT_EGG,
    "水产": Category.AQUATIC, "豆制品": Category.SOY, "调料": Category.SEASONING, "其他": Category.OTHER,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quote:
    """A price as a source tells it: fen for one ``unit``. external_id: the source's own id of it."""

    external_id: str
    on_day: date
    name: str
    average_fen: int
    unit: str
    low_fen: int | None = None
    high_fen: int | None = None
    spec: str = ""
    origin: str = ""
    category: Category = Category.OTHER

    @property
    def jin_fen(self) -> int | None:
        """The average for 500 g in whole fen; None where the unit is no weight."""
        return fen_per_jin(self.average_fen, self.unit)

    @property
    def key(self) -> str:
        """The id of a price that an office enters: its day and what tells its kind from others."""
        return "\x1f".join((self.on_day.isoformat(), self.name, self.spec, self.origin))


@dataclass(frozen=True, slots=True)
class IndexValue:
    """A published index value in hundredths."""

    on_day: date
    name: str
    hundredths: int


def fen_per_jin(fen: int, unit: str) -> int | None:
    """``fen`` for a ``unit`` as whole fen for 500 g, half to even; None where the unit is no weight."""
    jin = JIN_IN.get(unit.strip().lower().removeprefix("元/").removeprefix("/"))
    if jin is None:
        return None
    return int((Decimal(fen) / jin).quantize(Decimal(1), ROUND_HALF_EVEN))


def today_in(zone: str | ZoneInfo, now: datetime) -> date:
    """The day it is in a zone."""
    return now.astimezone(zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)).date()


def next_fetch(now: datetime) -> datetime:
    """When to fetch again after a success: the next morning of the sources' zone."""
    midnight = datetime.combine(today_in(SOURCE_ZONE, now), datetime.min.time(), SOURCE_ZONE)
    at = midnight + FETCHED_FROM
    return at if at > now else at + timedelta(days=1)


def after_failure(now: datetime, attempts: int) -> datetime:
    """When to fetch again after ``attempts`` failures in a row: ten minutes, then twice as long each time."""
    longer: int = 2 ** min(attempts - 1, 10)
    return now + min(LONGEST_BACK_OFF, BACK_OFF * longer)


def days_to_fetch(latest_on: date | None, now: datetime) -> tuple[date, date]:
    """First and last day to ask for: the newest known one again, as a source may add to it, up to today."""
    today = today_in(SOURCE_ZONE, now)
    earliest = today - timedelta(days=MOST_DAYS_BACK)
    return (earliest if latest_on is None else min(today, max(earliest, latest_on))), today


@dataclass(frozen=True, slots=True)
class Compared:
    """A price beside an earlier one of the same kind: what it was, on which day, and the change in fen."""

    on_day: date
    fen: int
    change_fen: int


def compared(now_fen: int, on_day: date, past: Mapping[date, int], *, days: int) -> Compared | None:
    """The price ``days`` before ``on_day`` or, where that day has none, on the nearest day in the ``days`` before it.

    A market is closed on some days: "yesterday" is the last day on which it was open, at most a week back.
    """
    until = on_day - timedelta(days=days)
    since = until - timedelta(days=6)
    found = max((day for day in past if since <= day <= until), default=None)
    return None if found is None else Compared(found, past[found], now_fen - past[found])


def stale_since(latest_on: date | None, today: date) -> date | None:
    """The day since which nothing new came; None when today's prices are there."""
    return latest_on if latest_on is not None and latest_on < today else None
