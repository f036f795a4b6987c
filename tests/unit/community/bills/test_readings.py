"""Which readings are believed, and that no unit is billed twice or lost."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.bills.meters.rules import (
    Reading,
    ReadingBelowLast,
    ReadingOutOfOrder,
    ReadingState,
    judge,
    use_in,
    usual_use,
)
from domain.community.bills.periods import Period, first_of

START = date(2026, 1, 1)


def reading(day: int, units: float) -> Reading:
    return Reading(START + timedelta(days=day), int(units * 1000))


STEADY = [reading(30 * n, 10 * n) for n in range(4)]  # a third of a cubic metre a day


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (reading(120, 40), ReadingState.ACCEPTED),
        (reading(120, 30), ReadingState.ACCEPTED),  # nobody at home
        (reading(120, 79.9), ReadingState.ACCEPTED),
        (reading(120, 81), ReadingState.TO_CONFIRM),
        (reading(91, 31), ReadingState.ACCEPTED),
        (reading(91, 33), ReadingState.TO_CONFIRM),
    ],
)
def test_a_jump_waits_to_be_confirmed(new: Reading, expected: ReadingState) -> None:
    assert judge(new, STEADY, today=new.on) is expected


def test_first_readings_are_taken() -> None:
    assert judge(reading(0, 5), [], today=START) is ReadingState.ACCEPTED
    assert judge(reading(9, 5_000), [reading(0, 5)], today=date(2027, 1, 1)) is ReadingState.ACCEPTED
    assert usual_use(STEADY[:2]) is None


def test_an_empty_home_may_fill_a_kettle() -> None:
    still = [reading(30 * n, 10) for n in range(4)]
    assert judge(reading(91, 10.5), still, today=date(2027, 1, 1)) is ReadingState.ACCEPTED
    assert judge(reading(91, 11), still, today=date(2027, 1, 1)) is ReadingState.TO_CONFIRM


@pytest.mark.parametrize("new", [reading(90, 31), reading(10, 3), reading(121, 31)])
def test_days_go_forward_and_not_ahead(new: Reading) -> None:
    with pytest.raises(ReadingOutOfOrder):
        judge(new, STEADY, today=START + timedelta(days=120))


def test_a_meter_does_not_run_backwards() -> None:
    with pytest.raises(ReadingBelowLast) as told:
        judge(reading(120, 29.999), STEADY, today=date(2027, 1, 1))
    assert told.value.params["last"] == "30"


steps = st.lists(st.tuples(st.integers(1, 80), st.integers(0, 10**6)), max_size=20)


@given(steps)
def test_periods_share_what_was_counted_without_loss(found: list[tuple[int, int]]) -> None:
    history, on, value = [], START, 7
    for days, more in found:
        on, value = on + timedelta(days=days), value + more
        history.append(Reading(on, value))
    months = [Period(first_of(START, n)) for n in range(60)]
    used = [use for month in months if (use := use_in(history, month.start, month.end)) is not None]
    assert all(use.quantity >= 0 for use in used)
    assert sum(use.quantity for use in used) == (history[-1].value - history[0].value if history else 0)
