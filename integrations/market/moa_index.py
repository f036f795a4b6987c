"""The ministry of agriculture's daily index values, and the few national averages in the prose of its daily report.

Prices of single markets stand behind a captcha there and are not asked for. The report has sentences like
"猪肉平均价格为15.99元/公斤" in members that are spelled as they are (``counclesion``), and is often not to be had
(``code`` 500): then the index values alone are a day's news.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

import httpx
import structlog

from domain.community.prices.ports import Fetched
from domain.community.prices.rules import MAX_NAME, Category, IndexValue, Quote, Source
from domain.kernel.errors import Unavailable
from integrations.market.answers import PAUSE_SECONDS, Sleep, ask, day_of, hundredths_of

log = structlog.get_logger(__name__)

INDEX_PATH: Final = "/price_portal/pi-info-day/getPortalPiInfoDay"
REPORT_PATH: Final = "/api/FarmDaily/list"
INDICES: Final = ("agriculture", "grainAndOil", "vegetableBasket")
PROSE: Final[Mapping[str, Category]] = {
    "counclesion": Category.OTHER,
    "animalConclusion": Category.MEAT_EGG,
    "aquaticConclusion": Category.AQUATIC,
    "vegetablesConclusion": Category.VEGETABLE,
    "fruitsConclusion": Category.FRUIT,
    "countentstr": Category.OTHER,
}
_PRICE: Final = re.compile(
    r"(?:^|[；;，,。、：:\s])([一-龥]{1,12}?)(?:的?平均价格|价格|均价)?为?\s*([0-9]{1,4}(?:\.[0-9]{1,2})?)\s*元/公斤"
)
MOST_CHARACTERS: Final = 20_000


class MoaIndex:
    """Implements ``PriceSourcePort``. url: of the ministry's price system, without a path."""

    source = Source.MOA
    market = "全国批发均价（农业农村部）"

    def __init__(self, url: str, client: httpx.AsyncClient, *, sleep: Sleep = asyncio.sleep) -> None:
        self._url = url.rstrip("/")
        self._client = client
        self._sleep = sleep

    async def fetch(self, first: date, last: date) -> Fetched:
        """Index values, and the report where it is to be had. Raises Unavailable when there are no index values."""
        said = await ask(self._client, self._url + INDEX_PATH, json={})
        content = said.get("content")
        if not isinstance(content, list):
            raise Unavailable
        indices = tuple(value for line in content for value in indices_of(line) if first <= value.on_day <= last)
        await self._sleep(PAUSE_SECONDS)
        try:
            quotes = await self._report(first, last)
        except Unavailable:
            log.info("market.no_report", source=str(self.source))
            quotes = ()
        return Fetched(quotes, indices)

    async def _report(self, first: date, last: date) -> tuple[Quote, ...]:
        asked = {"pageNum": 1, "pageSize": 8}
        said = await ask(self._client, self._url + REPORT_PATH, json=asked)
        content = said.get("content")
        lines = content.get("list") if isinstance(content, dict) else None
        if not isinstance(lines, list):
            raise Unavailable
        found = {quote.external_id: quote for line in lines for quote in quotes_of(line)}
        return tuple(quote for quote in found.values() if first <= quote.on_day <= last)


def indices_of(line: Any) -> Iterator[IndexValue]:
    """The index values of one day."""
    day = day_of(line.get("publishDate")) if isinstance(line, dict) else None
    for name in INDICES if day is not None else ():
        value = hundredths_of(line.get(name))
        if day is not None and value is not None:
            yield IndexValue(day, name, value)


def quotes_of(line: Any) -> Iterator[Quote]:
    """The prices in the prose of one day's report, by kilogram; averages of whole baskets are none of them."""
    if not isinstance(line, dict):
        return
    day = day_of(line.get("daylyDate")) or day_of(line.get("createDate"))
    told: set[str] = set()
    for member, category in PROSE.items():
        prose = line.get(member)
        if day is None or not isinstance(prose, str):
            continue
        for name, yuan in _PRICE.findall(prose[:MOST_CHARACTERS]):
            fen = hundredths_of(yuan)
            if fen is not None and name not in told and len(name) <= MAX_NAME:
                told.add(name)
                yield Quote(f"{day}:{name}", day, name, fen, "公斤", category=category)
