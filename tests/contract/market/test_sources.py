"""Both sources of prices against their publishers on loopback: pages, odd lines, bad days, one request a second."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.community.prices.ports import PriceSourcePort
from domain.community.prices.rules import Category, Quote, Source
from domain.kernel.errors import Unavailable
from integrations.market.answers import PAUSE_SECONDS
from integrations.market.moa_index import quotes_of
from integrations.market.sources import price_sources
from integrations.market.xinfadi import MOST_PAGES, quote_of
from tests.factories.ingest import settings_for
from tests.factories.market import Publisher, line, publishing

COLLECTED = Path(__file__).parents[4] / "shared" / "vectors"
DAY = date(2026, 8, 19)


@dataclass
class Asked:
    """The two sources over one publisher, and how long they waited between requests."""

    publisher: Publisher
    sources: dict[Source, PriceSourcePort]
    waited: list[float] = field(default_factory=list)

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    @property
    def xinfadi(self) -> PriceSourcePort:
        return self.sources[Source.XINFADI]

    @property
    def moa(self) -> PriceSourcePort:
        return self.sources[Source.MOA]


@pytest.fixture
async def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    async with publishing(Publisher()) as publisher, AsyncExitStack() as stack:
        url = f"http://{publisher.host}"
        named = {"ZHIAN_XINFADI_URL": url, "ZHIAN_MOA_URL": url, "ZHIAN_OUTGOING_NETWORKS": "127.0.0.0/8"}
        settings = settings_for("postgresql://x/y", tmp_path, **named)
        made = Asked(publisher, {each.source: each for each in price_sources(settings, stack)})
        for source in made.sources.values():
            monkeypatch.setattr(source, "_sleep", made.wait)
        yield made


def test_nobody_is_asked_unless_configured(tmp_path: Path) -> None:
    assert price_sources(settings_for("postgresql://x/y", tmp_path), AsyncExitStack()) == ()


async def test_the_form_is_the_sites_own(asked: Asked) -> None:
    asked.publisher.lines = [line(9, "大白菜", "2026-08-19", "0.58", lowPrice="0.55", highPrice="0.6", specInfo="净菜")]
    fetched = await asked.xinfadi.fetch(date(2026, 8, 13), DAY)
    assert fetched.quotes == (
        Quote("9", DAY, "大白菜", 58, "斤", 55, 60, spec="净菜", origin="冀", category=Category.VEGETABLE),
    )
    assert asked.publisher.asked == [
        {
            "limit": "200", "current": "1", "pubDateStartTime": "2026/08/13", "pubDateEndTime": "2026/08/19",
            "prodPcatid": "", "prodCatid": "", "prodName": "",
        }
    ]  # fmt: skip
    assert asked.waited == []


@pytest.mark.parametrize("filters", [True, False])
async def test_all_pages_are_read_one_a_second_up_to_the_days_asked_for(asked: Asked, filters: bool) -> None:
    days = ["2026-08-20", *["2026-08-19"] * 5, *["2026-08-18"] * 4, *["2026-08-10"] * 90]
    asked.publisher.lines = [line(n, f"菜{n}", day) for n, day in enumerate(days)]
    asked.publisher.filters, asked.publisher.most = filters, 4
    fetched = await asked.xinfadi.fetch(date(2026, 8, 18), DAY)
    assert [quote.external_id for quote in fetched.quotes] == [str(n) for n in range(1, 10)]
    assert len(asked.publisher.asked) == (3 if filters else 4)  # beyond the third page everything is too old
    assert asked.waited == [PAUSE_SECONDS] * (len(asked.publisher.asked) - 1)


async def test_a_site_without_end_is_left(asked: Asked) -> None:
    asked.publisher.lines = [line(n, "菜", "2026-08-19") for n in range(MOST_PAGES + 9)]
    asked.publisher.most = 1
    assert len((await asked.xinfadi.fetch(DAY, DAY)).quotes) == MOST_PAGES


async def test_a_day_without_a_market_has_nothing(asked: Asked) -> None:
    assert await asked.xinfadi.fetch(DAY, DAY) == await asked.xinfadi.fetch(DAY, DAY)
    assert (await asked.xinfadi.fetch(DAY, DAY)).quotes == ()


@pytest.mark.parametrize("mood", ["refusing", "page", "moved", "odd", "list", "large"])
async def test_on_a_bad_day_nothing_is_believed(asked: Asked, mood: str) -> None:
    asked.publisher.mood = mood
    for source in (asked.xinfadi, asked.moa):
        with pytest.raises(Unavailable):
            await source.fetch(DAY, DAY)


@pytest.mark.parametrize(
    "bad",
    [
        {"id": None}, {"prodName": ""}, {"prodName": None}, {"pubDate": "0000-13-40"}, {"pubDate": None},
        {"pubDate": "2026-02-30 00:00:00"}, {"avgPrice": ""}, {"avgPrice": "0"}, {"avgPrice": "-1"},
        {"avgPrice": "1.234"}, {"avgPrice": "NaN"}, {"avgPrice": "1e99"}, {"avgPrice": True}, {"avgPrice": None},
    ],
    ids=str,
)  # fmt: skip
async def test_what_is_no_price_is_counted_and_left(asked: Asked, bad: dict[str, Any]) -> None:
    asked.publisher.lines = [line(1, "白菜", "2026-08-19"), line(2, "菠菜", "2026-08-19")]
    asked.publisher.lines[0] |= bad
    asked.publisher.filters = False
    fetched = await asked.xinfadi.fetch(DAY, DAY)
    assert ([quote.name for quote in fetched.quotes], fetched.refused) == (["菠菜"], 1)


def test_odd_members_of_a_line_are_not_taken_at_their_word() -> None:
    said = line(1, " 白菜\x00\n", "2026-08-19", "2", lowPrice="3", highPrice="1", unitInfo="", prodCatid=7, place=5)
    quote = quote_of(said)
    assert quote == Quote("1", DAY, "白菜", 200, "斤", category=Category.OTHER)
    asked_for = line(1, "苹果", "2026-08-19", prodCatid=None, prodPcatid=1187, unitInfo="箱")
    fruit = quote_of(asked_for)
    assert fruit is not None
    assert (fruit.category, fruit.unit, fruit.jin_fen) == (Category.FRUIT, "箱", None)
    assert quote_of("x") is None


async def test_the_ministry_has_index_values_and_prose(asked: Asked) -> None:
    asked.publisher.indices = [
        {"publishDate": "2026-08-19", "agriculture": 115.68, "grainAndOil": 112.5, "vegetableBasket": "116.21"},
        {"publishDate": "2026-08-18", "agriculture": None, "grainAndOil": 112.4, "vegetableBasket": 116},
        {"publishDate": "2026-01-01", "agriculture": 1},
        "odd",
    ]
    asked.publisher.reports = [{"daylyDate": "2026-08-19 00:00:00", "animalConclusion": "鸡蛋8.99元/公斤。"}]
    fetched = await asked.moa.fetch(date(2026, 8, 18), DAY)
    assert [(str(value.on_day)[-2:], value.name, value.hundredths) for value in fetched.indices] == [
        ("19", "agriculture", 11568), ("19", "grainAndOil", 11250), ("19", "vegetableBasket", 11621),
        ("18", "grainAndOil", 11240), ("18", "vegetableBasket", 11600),
    ]  # fmt: skip
    assert [(quote.name, quote.average_fen, quote.jin_fen) for quote in fetched.quotes] == [("鸡蛋", 899, 450)]
    assert asked.publisher.asked == [{}, {"pageNum": 1, "pageSize": 8}]
    assert asked.waited == [PAUSE_SECONDS]


async def test_without_a_report_the_index_values_are_the_news(asked: Asked) -> None:
    asked.publisher.indices = [{"publishDate": "2026-08-19", "agriculture": 115.68}]
    fetched = await asked.moa.fetch(DAY, DAY)
    assert (len(fetched.indices), fetched.quotes) == (1, ())


def test_prices_are_found_in_prose_and_baskets_are_not() -> None:
    told = {
        "daylyDate": "2026-08-19",
        "counclesion": "农产品批发价格200指数为115.68，比昨天上升0.12个点。",
        "animalConclusion": "截至今天14:00时，猪肉平均价格为15.99元/公斤，比昨天上升0.3%；牛肉66.10元/公斤，下降0.2%",
        "aquaticConclusion": "鲫鱼平均价格为 20.1 元/公斤;猪肉1.00元/公斤",
        "vegetablesConclusion": "重点监测的28种蔬菜平均价格为4.68元/公斤",
        "fruitsConclusion": None,
    }
    found = {quote.name: (quote.average_fen, quote.category) for quote in quotes_of(told)}
    assert found == {
        "猪肉": (1599, Category.MEAT_EGG),
        "牛肉": (6610, Category.MEAT_EGG),
        "鲫鱼": (2010, Category.AQUATIC),
    }
    assert list(quotes_of({"counclesion": "鸡蛋8元/公斤"})) == list(quotes_of("x")) == []


ANSWERS = {path.name: path.read_bytes() for path in sorted(COLLECTED.glob("xinfadi_*.json"))}
"""Collected answers, where they are at hand; one made here stands for them elsewhere."""
ANSWERS["made"] = orjson.dumps({"list": [line(1, "白菜", "2026-08-19")]})


@pytest.mark.parametrize("name", ANSWERS)
async def test_every_line_that_was_collected_is_a_price(asked: Asked, name: str) -> None:
    lines = orjson.loads(ANSWERS[name])["list"]
    asked.publisher.lines, asked.publisher.filters = lines, False
    days = sorted(str(each["pubDate"])[:10] for each in lines)
    fetched = await asked.xinfadi.fetch(date.fromisoformat(days[0]), date.fromisoformat(days[-1]))
    assert (len(fetched.quotes), fetched.refused) == (len(lines), 0)
    assert all(quote.jin_fen == quote.average_fen for quote in fetched.quotes if quote.unit == "斤")
    assert len({(quote.name, quote.spec, quote.origin) for quote in fetched.quotes}) == len(lines)
