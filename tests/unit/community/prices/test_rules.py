"""Units, days, comparisons and lists of prices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.prices.entry import Entry, quote_of
from domain.community.prices.errors import InvalidPrice, InvalidRange, InvalidTable
from domain.community.prices.rules import (
    JIN_IN,
    Category,
    Compared,
    after_failure,
    compared,
    days_to_fetch,
    fen_per_jin,
    next_fetch,
    stale_since,
)
from domain.community.prices.table import read_table
from domain.kernel.texts import InvalidText

DAY = date(2026, 8, 19)


@pytest.mark.parametrize(
    ("fen", "unit", "expected"),
    [
        (58, "斤", 58), (58, "500g", 58), (1599, "公斤", 800), (1601, "公斤", 800), (1598, "KG", 799), (30, "两", 300),
        (250_000, "吨", 125), (3, "100g", 15), (600, "元/公斤", 300), (600, " 公斤 ", 300),
        (500, "盒", None), (500, "个", None), (500, "箱", None), (500, "", None),
    ],
)  # fmt: skip
def test_one_unit(fen: int, unit: str, expected: int | None) -> None:
    assert fen_per_jin(fen, unit) == expected


@given(fen=st.integers(1, 10_000_000), unit=st.sampled_from(sorted(JIN_IN)))
def test_a_price_by_weight_is_never_off_by_more_than_half_a_fen(fen: int, unit: str) -> None:
    found = fen_per_jin(fen, unit)
    assert found is not None
    assert abs(Decimal(fen) / JIN_IN[unit] - found) <= Decimal("0.5")


def test_prices_are_fetched_each_morning_in_beijing() -> None:
    early = datetime(2026, 8, 18, 23, 29, tzinfo=UTC)  # 07:29 on the 19th there
    assert next_fetch(early) == datetime(2026, 8, 18, 23, 30, tzinfo=UTC)
    assert next_fetch(early + timedelta(minutes=1)) == datetime(2026, 8, 19, 23, 30, tzinfo=UTC)


def test_failures_are_followed_by_longer_and_longer_waits() -> None:
    now = datetime(2026, 8, 19, tzinfo=UTC)
    minutes = [(after_failure(now, n) - now) / timedelta(minutes=1) for n in (1, 2, 3, 6, 7, 99)]
    assert minutes == [10, 20, 40, 320, 360, 360]


def test_days_are_asked_for_again_from_the_newest_known_one_but_not_for_ever() -> None:
    now = datetime(2026, 8, 18, 20, tzinfo=UTC)  # the 19th in Beijing
    assert days_to_fetch(None, now) == (DAY - timedelta(days=7), DAY)
    assert days_to_fetch(DAY - timedelta(days=2), now) == (DAY - timedelta(days=2), DAY)
    assert days_to_fetch(DAY - timedelta(days=99), now) == (DAY - timedelta(days=7), DAY)
    assert days_to_fetch(DAY + timedelta(days=3), now) == (DAY, DAY)


def test_yesterday_is_the_last_market_day() -> None:
    past = {DAY: 100, DAY - timedelta(days=3): 120, DAY - timedelta(days=9): 80}
    assert compared(100, DAY, past, days=1) == Compared(DAY - timedelta(days=3), 120, -20)
    assert compared(100, DAY, past, days=7) == Compared(DAY - timedelta(days=9), 80, 20)
    assert compared(100, DAY, {DAY: 100, DAY - timedelta(days=8): 90}, days=1) is None
    assert compared(100, DAY, {}, days=7) is None


def test_what_is_not_of_today_is_stale_since_its_day() -> None:
    assert stale_since(DAY, DAY) is None
    assert stale_since(DAY - timedelta(days=2), DAY) == DAY - timedelta(days=2)
    assert stale_since(None, DAY) is None


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"average_fen": 0}, InvalidPrice), ({"average_fen": 10_000_001}, InvalidPrice),
        ({"low_fen": -1}, InvalidPrice), ({"low_fen": 121}, InvalidRange), ({"high_fen": 119}, InvalidRange),
        ({"name": " "}, InvalidText), ({"name": "x" * 41}, InvalidText), ({"unit": ""}, InvalidText),
        ({"origin": "a\x00b"}, InvalidText),
    ],
)  # fmt: skip
def test_what_is_no_price_is_not_entered(fields: dict[str, object], error: type[Exception]) -> None:
    values: dict[str, object] = {"day": DAY, "name": "白菜", "average_fen": 120}
    with pytest.raises(error):
        quote_of(Entry(**values | fields))  # type: ignore[arg-type]


def test_a_list_is_read_with_its_columns_in_any_order() -> None:
    text = (
        "\ufeff产地,品名,平均价,备注,最高价,最低价,单位,分类\n"
        "本地,大白菜,1.20,新鲜,1.5,1,斤,蔬菜\n\n"
        ",鸡蛋,￥9.6,,,,盒,meat_egg\n"
        "本地,菠菜,2\n"
    )
    table = read_table(text, day=DAY)
    assert [(q.name, q.average_fen, q.low_fen, q.high_fen, q.unit, q.origin, q.category) for q in table.quotes] == [
        ("大白菜", 120, 100, 150, "斤", "本地", Category.VEGETABLE),
        ("鸡蛋", 960, None, None, "盒", "", Category.MEAT_EGG),
        ("菠菜", 200, None, None, "斤", "本地", Category.VEGETABLE),
    ]
    assert table.bad == ()
    assert read_table("name\tprice\nleek\t3", day=DAY).quotes[0].average_fen == 300


def test_each_bad_line_is_named_with_what_is_wrong() -> None:
    text = "品名,平均价,最低价,分类\n白菜,x\n,1\n菠菜,1,2\n萝卜,1.234\n芹菜,1,,石头\n葱,1\n葱,2\n韭菜,\n"
    table = read_table(text, day=DAY)
    assert [quote.name for quote in table.quotes] == ["葱"]
    assert [(bad.line, bad.error.code, bad.error.field) for bad in table.bad] == [
        (2, "INVALID_AMOUNT", "average"),
        (3, "INVALID_TEXT", "name"),
        (4, "INVALID_PRICE_RANGE", "average"),
        (5, "INVALID_AMOUNT", "average"),
        (6, "INVALID", "category"),
        (8, "INVALID", "name"),
        (9, "INVALID_PRICE", "average"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "白菜,1",
        "品名\n白菜",
        "品名,平均价,价格\n白菜,1,1",
        "品名,平均价\n" + "白菜,1\n" * 501,
    ],
)
def test_what_is_no_list_is_refused_whole(text: str) -> None:
    with pytest.raises(InvalidTable):
        read_table(text, day=DAY)


def test_a_cell_without_end_is_no_list() -> None:
    with pytest.raises(InvalidTable):
        read_table("品名,平均价\n" + "x" * 200_000, day=DAY)


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    for whole in (text, f"品名,平均价\n{text}"):
        try:
            table = read_table(whole, day=DAY)
        except InvalidTable:
            continue
        assert all(quote.average_fen > 0 for quote in table.quotes)
