"""What housekeeping costs and how long it takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.housekeeping.errors import InvalidLicence, InvalidQuantity, InvalidStars, InvalidTerms
from domain.community.housekeeping.rules import (
    MOST_MINUTES,
    Order,
    Terms,
    Unit,
    checked,
    fee,
    free_until,
    licence_of,
    order,
    stars_of,
    worked,
)

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
HOURLY = Terms(Unit.HOUR, price_fen=4_500, minimum_fen=9_000, minutes=120)
VISIT = Terms(Unit.VISIT, price_fen=12_800, minimum_fen=0, minutes=90)
METRES = Terms(Unit.SQUARE_METRE, price_fen=350, minimum_fen=10_000, minutes=60, pace=25)


@pytest.mark.parametrize(
    ("terms", "asked", "expected"),
    [
        (HOURLY, {}, Order(120, 120, 9_000)),
        (HOURLY, {"minutes": 150}, Order(150, 150, 11_250)),
        (VISIT, {}, Order(1, 90, 12_800)),
        (METRES, {}, Order(50, 120, 17_500)),
        (METRES, {"square_metres": 20}, Order(20, 60, 10_000)),
        (METRES, {"square_metres": 89}, Order(89, 240, 31_150)),
        (METRES, {"square_metres": 300}, Order(300, 720, 105_000)),
        (Terms(Unit.SQUARE_METRE, 100, 0, 30, pace=2), {}, Order(24, 720, 2_400)),
        (Terms(Unit.HOUR, 3_333, 0, 30), {"minutes": 30}, Order(30, 30, 1_666)),
    ],
)
def test_what_is_ordered(terms: Terms, asked: dict[str, int], expected: Order) -> None:
    assert order(terms, **asked) == expected


@pytest.mark.parametrize(
    ("terms", "asked"),
    [
        (HOURLY, {"minutes": 90}),
        (HOURLY, {"minutes": 135}),
        (HOURLY, {"minutes": MOST_MINUTES + 30}),
        (HOURLY, {"square_metres": 20}),
        (VISIT, {"minutes": 90}),
        (VISIT, {"square_metres": 1}),
        (METRES, {"square_metres": 0}),
        (METRES, {"square_metres": 301}),
        (METRES, {"minutes": 60}),
    ],
)
def test_what_cannot_be_ordered(terms: Terms, asked: dict[str, int]) -> None:
    with pytest.raises(InvalidQuantity):
        order(terms, **asked)


@given(
    st.sampled_from(list(Unit)), st.integers(1, 10_000_000), st.integers(0, 10_000), st.integers(1, 24), st.integers()
)
def test_an_order_lasts_whole_half_hours_and_costs_at_least_the_minimum(
    unit: Unit, price: int, minimum: int, halves: int, asked: int
) -> None:
    pace = 30 if unit is Unit.SQUARE_METRE else None
    terms = checked(Terms(unit, price, minimum, halves * 30, pace))
    said = {Unit.HOUR: {"minutes": asked}, Unit.SQUARE_METRE: {"square_metres": asked}}.get(unit, {})
    try:
        made = order(terms, **said)
    except InvalidQuantity:
        return
    assert made.minutes % 30 == 0
    assert terms.minutes <= made.minutes <= MOST_MINUTES
    assert made.price_fen >= minimum


@pytest.mark.parametrize(
    ("minutes", "paid"),
    [(1, 120), (120, 120), (121, 150), (150, 150), (175, 180), (180, 180), (400, 180), (-5, 120)],
)
def test_hours_are_paid_as_worked_between_the_least_and_what_was_booked(minutes: int, paid: int) -> None:
    assert worked(HOURLY, booked=180, began=NOON, ended=NOON + timedelta(minutes=minutes)) == paid


@pytest.mark.parametrize(
    ("late", "percent", "expected"), [(0, 50, 0), (1, 50, 4_999), (1, 0, 0), (1, 100, 9_999), (-1, 100, 0)]
)
def test_cancelling_is_free_until_the_hour_itself(late: int, percent: int, expected: int) -> None:
    until = free_until(HOURLY, NOON)
    assert until == NOON - timedelta(hours=24)
    now = until + timedelta(seconds=late)
    assert fee(price_fen=9_999, late_percent=percent, now=now, free_until=until) == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price_fen": 0}, "priceFen"),
        ({"price_fen": 10_000_001}, "priceFen"),
        ({"minimum_fen": -1}, "minimumFen"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 45}, "minutes"),
        ({"minutes": 750}, "minutes"),
        ({"free_hours": 169}, "freeHours"),
        ({"late_percent": 101}, "latePercent"),
        ({"pace": 20}, "pace"),
        ({"unit": Unit.SQUARE_METRE}, "pace"),
        ({"unit": Unit.SQUARE_METRE, "pace": 0}, "pace"),
    ],
)
def test_terms_that_make_no_sense(changes: dict[str, object], field: str) -> None:
    given_terms = {"unit": Unit.HOUR, "price_fen": 100, "minimum_fen": 0, "minutes": 60, **changes}
    with pytest.raises(InvalidTerms) as error:
        checked(Terms(**given_terms))  # type: ignore[arg-type]
    assert error.value.field == field


@pytest.mark.parametrize(("text", "code"), [("", ""), (" 91330421ma2b000x1k ", "91330421MA2B000X1K")])
def test_a_licence_has_one_spelling(text: str, code: str) -> None:
    assert licence_of(text) == code


@pytest.mark.parametrize("text", ["1", "9133042", "91330421MA2B000I1K", "91330421MA2B000X1K1"])
def test_what_is_no_licence(text: str) -> None:
    with pytest.raises(InvalidLicence):
        licence_of(text)


def test_one_to_five_stars() -> None:
    assert [stars_of(n) for n in range(1, 6)] == [1, 2, 3, 4, 5]
    for wrong in (0, 6, -1):
        with pytest.raises(InvalidStars):
            stars_of(wrong)
