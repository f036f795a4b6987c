"""Beijing's Xinfadi market: prices of the day as its page reads them, by a form.

Amounts are texts in yuan for a ``unitInfo``, mostly 斤 (500 g); ``pubDate`` is that day's midnight in Beijing, without
a zone. The newest stand first, and the days that are asked for are not always kept to, so lines are looked at by their
own day and paging ends where they get too old. The same goods stand there once for each place and kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import httpx
import structlog

from domain.community.prices.ports import Fetched
from domain.community.prices.rules import MAX_NAME, MAX_SPEC, MAX_UNIT, Category, Quote, Source
from domain.kernel.errors import Unavailable
from integrations.market.answers import PAUSE_SECONDS, Sleep, ask, day_of, hundredths_of, text_of

log = structlog.get_logger(__name__)

PATH: Final = "/getPriceData.html"
LINES: Final = 200
MOST_PAGES: Final = 40
CATEGORIES: Final[Mapping[int, Category]] = {
    1186: Category.VEGETABLE,
    1187: Category.FRUIT,
    1188: Category.GRAIN_OIL,
    1189: Category.MEAT_EGG,
    1190: Category.AQUATIC,
    1203: Category.SOY,
    1204: Category.SEASONING,
}


class Xinfadi:
    """Implements ``PriceSourcePort``. url: of the site, without a path."""

    source = Source.XINFADI
    market = "北京新发地"

    def __init__(self, url: str, client: httpx.AsyncClient, *, sleep: Sleep = asyncio.sleep) -> None:
        self._url = url.rstrip("/") + PATH
        self._client = client
        self._sleep = sleep

    async def fetch(self, first: date, last: date) -> Fetched:
        """All pages, at most one a second. Raises Unavailable."""
        quotes: dict[str, Quote] = {}
        refused = seen = 0
        for page in range(1, MOST_PAGES + 1):
            if page > 1:
                await self._sleep(PAUSE_SECONDS)
            count, lines = await self._page(page, first, last)
            seen += len(lines)
            days = [day_of(line.get("pubDate")) for line in lines if isinstance(line, dict)]
            for line in lines:
                quote = quote_of(line)
                if quote is None:
                    refused += 1
                elif first <= quote.on_day <= last:
                    quotes[quote.external_id] = quote
            known = [day for day in days if day is not None]
            if not lines or seen >= count or (known and max(known) < first):
                break
        else:
            log.warning("market.too_many_pages", source=str(self.source), pages=MOST_PAGES)
        return Fetched(tuple(quotes.values()), refused=refused)

    async def _page(self, page: int, first: date, last: date) -> tuple[int, list[Any]]:
        form = {
            "limit": str(LINES),
            "current": str(page),
            "pubDateStartTime": f"{first:%Y/%m/%d}",
            "pubDateEndTime": f"{last:%Y/%m/%d}",
            "prodPcatid": "",
            "prodCatid": "",
            "prodName": "",
        }
        said = await ask(self._client, self._url, data=form)
        count, lines = said.get("count"), said.get("list")
        if not isinstance(count, int) or not isinstance(lines, list):
            log.warning("market.odd_answer", source=str(self.source), members=sorted(said)[:10])
            raise Unavailable
        return count, lines


def quote_of(line: Any) -> Quote | None:
    """One line; None when it is no price of anything on any day."""
    if not isinstance(line, dict):
        return None
    number, day = line.get("id"), day_of(line.get("pubDate"))
    name, average = text_of(line.get("prodName"), MAX_NAME), hundredths_of(line.get("avgPrice"))
    if not isinstance(number, int) or day is None or not name or average is None:
        return None
    low, high = hundredths_of(line.get("lowPrice")), hundredths_of(line.get("highPrice"))
    if low is not None and high is not None and low > high:
        low = high = None
    # What is asked for as prodPcatid comes back as prodCatid.
    category = CATEGORIES.get(line.get("prodCatid") or 0) or CATEGORIES.get(line.get("prodPcatid") or 0)
    return Quote(
        external_id=str(number),
        on_day=day,
        name=name,
        average_fen=average,
        unit=text_of(line.get("unitInfo"), MAX_UNIT) or "斤",
        low_fen=low,
        high_fen=high,
        spec=text_of(line.get("specInfo"), MAX_SPEC),
        origin=text_of(line.get("place"), MAX_SPEC),
        category=category or Category.OTHER,
    )
