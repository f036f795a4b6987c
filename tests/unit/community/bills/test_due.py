"""What a bill comes to on a day, from examples and for any terms."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.bills.due import DueTerms, due, early_discount, late_fee

DEADLINE = date(2026, 10, 31)
TERMS = DueTerms(DEADLINE, late_daily=500, late_cap=100_000, grace_days=3)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 10, 1), 0),
        (date(2026, 10, 31), 0),
        (date(2026, 11, 3), 0),  # within the grace
        (date(2026, 11, 4), 40),  # four days at 0.05 %, and not one
        (date(2026, 11, 10), 100),
        (date(2027, 5, 19), 2_000),  # ten per cent is the most
        (date(2036, 1, 1), 2_000),
    ],
)
def test_a_late_fee_grows_by_the_day_to_its_cap(day: date, expected: int) -> None:
    assert late_fee(20_000, TERMS, day) == expected


def test_part_of_a_fen_is_not_asked_for() -> None:
    assert late_fee(1_999, TERMS, date(2026, 11, 4)) == 3
    assert early_discount(99, DueTerms(DEADLINE, discount=15_000, discount_until=DEADLINE), DEADLINE) == 1


def test_paying_early_saves_until_its_day() -> None:
    terms = DueTerms(DEADLINE, discount=20_000, discount_until=date(2026, 10, 10))
    first = due(10_000, terms, date(2026, 10, 1), prepaid=500)
    assert (first.discount, first.total, first.changes_on) == (200, 9_300, date(2026, 10, 11))
    later = due(10_000, terms, date(2026, 10, 11), prepaid=500)
    assert (later.discount, later.total, later.changes_on) == (0, 9_500, None)


def test_a_suppliers_own_late_fee_stands_beside_ours() -> None:
    assert due(10_000, TERMS, DEADLINE, charged_late=77).total == 10_077
    assert due(10_000, TERMS, date(2026, 11, 10), charged_late=77).late == 127


amounts = st.integers(1, 10**10)
days = st.integers(-400, 4_000).map(lambda n: DEADLINE + timedelta(days=n))
terms = st.builds(
    DueTerms,
    deadline=st.just(DEADLINE),
    late_daily=st.integers(0, 10_000),
    late_cap=st.integers(0, 1_000_000),
    grace_days=st.integers(0, 60),
    discount=st.integers(0, 500_000),
    discount_until=st.none() | days,
)


@given(amounts, terms, days, st.integers(0, 60))
def test_a_sum_stays_until_the_day_it_is_said_to_change(amount: int, agreed: DueTerms, day: date, further: int) -> None:
    now = due(amount, agreed, day)
    then = day + timedelta(days=further)
    if now.changes_on is None or then < now.changes_on:
        assert due(amount, agreed, then).total == now.total
    assert now.changes_on is None or now.changes_on > day


@given(amounts, terms, days, days)
def test_waiting_never_makes_a_bill_cheaper_nor_dearer_than_its_cap(
    amount: int, agreed: DueTerms, one: date, other: date
) -> None:
    early, late = (due(amount, agreed, day) for day in sorted((one, other)))
    assert early.total <= late.total
    assert amount // 2 <= early.total
    assert late.total <= amount + amount * agreed.late_cap // 1_000_000
    assert late.total == late.amount + late.late - late.discount
