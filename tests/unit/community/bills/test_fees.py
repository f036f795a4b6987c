"""Fees by area, home and meter: every line to the fen, every bill the sum of its lines."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.bills.fees.rules import (
    Basis,
    InvalidNumber,
    InvalidTiers,
    Tier,
    check_tiers,
    lines_of,
    rounded,
    scaled,
    tiered,
    total,
    unscaled,
)
from domain.community.bills.periods import InvalidPeriod, Period, first_of, month_of

# Tiers of household electricity in Zhejiang: 0.538 yuan to 230 kWh a month, 0.588 to 400, then 0.838.
ELECTRICITY = [Tier(230_000, 53_800), Tier(400_000, 58_800), Tier(None, 83_800)]


@pytest.mark.parametrize(
    ("basis", "quantity", "tiers", "months", "expected"),
    [
        (Basis.AREA, 89_500, [Tier(None, 185_000)], 1, [16_558]),  # 89.5 m² × 1.85 = 165.575, half up
        (Basis.AREA, 89_500, [Tier(None, 185_000)], 3, [49_673]),
        (Basis.HOME, 1_000, [Tier(None, 1_200_000)], 12, [14_400]),
        (Basis.METER, 0, ELECTRICITY, 1, [0]),
        (Basis.METER, 230_000, ELECTRICITY, 1, [12_374]),
        (Basis.METER, 500_000, ELECTRICITY, 1, [12_374, 9_996, 8_380]),
    ],
)
def test_what_a_home_is_billed(
    basis: Basis, quantity: int, tiers: list[Tier], months: int, expected: list[int]
) -> None:
    lines = lines_of("费", basis, quantity, unit="x", tiers=tiers, months=months)
    assert [line.amount_fen for line in lines] == expected
    assert total(lines) == sum(expected)
    assert lines[0].stored()["title"] == "费"


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [Tier(5, 1)],
        [Tier(None, 1), Tier(None, 2)],
        [Tier(5, 1), Tier(5, 2), Tier(None, 3)],
        [Tier(0, 1), Tier(None, 2)],
    ],
)
def test_tiers_that_do_not_rise_are_refused(tiers: list[Tier]) -> None:
    with pytest.raises(InvalidTiers):
        check_tiers(tiers)


ends = st.lists(st.integers(1, 10**9), unique=True, max_size=5).map(sorted)
rates = st.integers(1, 10**7)


@given(st.integers(0, 2 * 10**9), ends, st.data())
def test_tiers_share_a_quantity_without_loss(quantity: int, found: list[int], data: st.DataObject) -> None:
    tiers = [Tier(end, data.draw(rates)) for end in found] + [Tier(None, data.draw(rates))]
    check_tiers(tiers)
    parts = list(tiered(quantity, tiers))
    assert sum(part for part, _ in parts) == quantity
    lines = lines_of("费", Basis.METER, quantity, unit="x", tiers=tiers, months=1)
    exact = sum(part * rate for part, rate in parts)
    assert abs(total(lines) * 1_000_000 - exact) <= len(parts) * 500_000  # half a fen a line, at most


@given(st.integers(0, 10**8), st.integers(0, 10**7), st.integers(1, 12))
def test_rounding_is_to_the_nearest_fen(quantity: int, rate: int, months: int) -> None:
    assert -500_000 < rounded(quantity, rate, months) * 1_000_000 - quantity * rate * months <= 500_000


@given(st.integers(0, 10**9 - 1), st.integers(0, 5))  # nine digits at most
def test_numbers_are_written_as_they_are_read(number: int, places: int) -> None:
    assert scaled(unscaled(number, places=places), places=places, field="x") == number


@pytest.mark.parametrize("text", ["", "-1", "1.2345", "1e3", "１", "1.", ".5", "nan", "1,000", "1234567890"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidNumber):
        scaled(text, places=3, field="x")


@pytest.mark.parametrize("text", ["2026-10", "2026/10", "202610", "2026年10月", " 2026.10 "])
def test_months_as_offices_write_them(text: str) -> None:
    assert month_of(text) == Period(date(2026, 10, 1))


@pytest.mark.parametrize("text", ["", "2026-13", "2026-00", "1999-01", "26-10", "2026-10-01", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriod):
        month_of(text)


def test_a_period_ends_with_its_last_month() -> None:
    quarter = month_of("2026-10").lasting(3)
    assert (quarter.end, quarter.name, quarter.begins_cycle()) == (date(2026, 12, 31), "2026-10/3", True)
    assert not month_of("2026-11").lasting(3).begins_cycle()
    assert month_of("2026-02").end == date(2026, 2, 28)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 24))
def test_periods_follow_each_other_without_a_gap(day: date, months: int) -> None:
    period = Period(first_of(day, 0), months)
    assert period.end + timedelta(days=1) == first_of(day, months)
