"""Working hours, free times and recurring times, also where clocks are moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.housekeeping.calendar import (
    AHEAD,
    LEAD,
    Every,
    Shift,
    Span,
    at,
    bookable,
    checked,
    fits,
    free,
    nearest,
    occurrences,
    starts,
)
from domain.community.housekeeping.errors import InvalidHours, InvalidRecurrence, InvalidTime

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 2)
MORNING = Shift(1, 8 * 60, 12 * 60)
ZONES = st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")])
DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
ROUND_THE_CLOCK = [Shift(n, 0, 1440) for n in range(1, 8)]


def local(span: Span, zone: ZoneInfo = SHANGHAI) -> str:
    return span.starts_at.astimezone(zone).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    "shifts",
    [
        [Shift(0, 0, 60)],
        [Shift(8, 0, 60)],
        [Shift(1, 60, 60)],
        [Shift(1, -30, 60)],
        [Shift(1, 0, 1470)],
        [Shift(1, 10, 60)],
        [Shift(1, 0, 61)],
        [Shift(1, 0, 120), Shift(1, 90, 180)],
        [Shift(day, hour * 60, hour * 60 + 30) for day in range(1, 8) for hour in range(4)],
    ],
)
def test_hours_that_are_none(shifts: list[Shift]) -> None:
    with pytest.raises(InvalidHours):
        checked(shifts)


def test_hours_are_kept_in_order() -> None:
    late, early, next_day = Shift(1, 780, 1080), Shift(1, 480, 720), Shift(2, 480, 720)
    assert checked([next_day, late, early]) == (early, late, next_day)
    assert checked([Shift(1, 0, 60), Shift(1, 60, 120)])
    assert checked([]) == ()


def test_the_times_of_a_morning() -> None:
    spans = list(starts([MORNING], SHANGHAI, MONDAY, 8, minutes=120))
    assert [local(span) for span in spans] == [
        *(f"03-02 {hour}" for hour in ("08:00", "08:30", "09:00", "09:30", "10:00")),
        *(f"03-09 {hour}" for hour in ("08:00", "08:30", "09:00", "09:30", "10:00")),
    ]
    assert spans[0] == Span(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 2, 2, tzinfo=UTC))


def test_the_last_may_end_at_midnight() -> None:
    spans = list(starts([Shift(1, 22 * 60, 1440)], SHANGHAI, MONDAY, 1, minutes=60))
    assert [local(span) for span in spans] == ["03-02 22:00", "03-02 22:30", "03-02 23:00"]


def test_a_time_that_the_clock_jumps_over_is_not_offered_and_one_it_repeats_once() -> None:
    night = [Shift(7, 60, 240)]
    forward = [local(s, BERLIN) for s in starts(night, BERLIN, date(2026, 3, 29), 1, minutes=30)]
    assert forward == ["03-29 01:00", "03-29 01:30", "03-29 03:00", "03-29 03:30"]
    back = [local(s, BERLIN) for s in starts(night, BERLIN, date(2026, 10, 25), 1, minutes=30)]
    assert back == [f"10-25 {hour}" for hour in ("01:00", "01:30", "02:00", "02:30", "03:00", "03:30")]


@given(ZONES, DAYS, st.integers(1, 24))
def test_every_time_offered_fits_lasts_as_long_and_is_offered_once(zone: ZoneInfo, day: date, halves: int) -> None:
    spans = list(starts(ROUND_THE_CLOCK, zone, day, 2, minutes=halves * 30))
    assert len(spans) == len({span.starts_at for span in spans}) > 0
    for span in spans:
        assert span.ends_at - span.starts_at == timedelta(minutes=halves * 30)
        assert fits(span, ROUND_THE_CLOCK, zone)


@pytest.mark.parametrize(
    ("begin", "minutes", "expected"),
    [
        ((8, 0), 240, True),
        ((8, 0), 270, False),
        ((7, 30), 60, False),
        ((8, 10), 60, False),
        ((11, 30), 30, True),
        ((12, 0), 30, False),
    ],
)
def test_what_fits_into_a_shift(begin: tuple[int, int], minutes: int, expected: bool) -> None:
    start = datetime(2026, 3, 2, *begin, tzinfo=SHANGHAI)
    span = Span(start, start + timedelta(minutes=minutes))
    assert fits(span, [MORNING], SHANGHAI) is expected
    tuesday = timedelta(days=1)
    assert not fits(Span(start + tuesday, span.ends_at + tuesday), [MORNING], SHANGHAI)
    odd = timedelta(seconds=1)
    assert not fits(Span(start + odd, span.ends_at), [MORNING], SHANGHAI)


def test_what_is_free_meets_nothing_and_is_neither_too_early_nor_too_late() -> None:
    spans = list(starts([MORNING], SHANGHAI, MONDAY, 1, minutes=60))
    taken = Span(at(MONDAY, 9 * 60, SHANGHAI), at(MONDAY, 10 * 60, SHANGHAI))
    earliest, latest = at(MONDAY, 8 * 60, SHANGHAI), at(MONDAY, 10 * 60 + 30, SHANGHAI)
    found = [local(span) for span in free(spans, [taken], earliest=earliest, latest=latest)]
    assert found == ["03-02 08:00", "03-02 10:00", "03-02 10:30"]


def test_the_nearest_in_order_of_time() -> None:
    spans = list(starts([MORNING], SHANGHAI, MONDAY, 1, minutes=60))
    assert [local(span) for span in nearest(spans, at(MONDAY, 9 * 60, SHANGHAI), 3)] == [
        "03-02 08:30",
        "03-02 09:00",
        "03-02 09:30",
    ]


def test_too_soon_and_too_far_ahead() -> None:
    now = at(MONDAY, 0, SHANGHAI)
    assert bookable(now + LEAD, now) == now + LEAD
    assert bookable(now + AHEAD, now) == now + AHEAD
    for wrong in (now, now + LEAD - timedelta(seconds=1), now + AHEAD + timedelta(seconds=1), now - AHEAD):
        with pytest.raises(InvalidTime):
            bookable(wrong, now)


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (Every.WEEK, ["01-31", "02-07", "02-14", "02-21"]),
        (Every.FORTNIGHT, ["01-31", "02-14", "02-28", "03-14"]),
        (Every.MONTH, ["01-31", "02-28", "03-31", "04-30"]),
    ],
)
def test_a_series_keeps_its_time_of_the_day(every: Every, expected: list[str]) -> None:
    first = at(date(2026, 1, 31), 9 * 60, BERLIN)
    found = [each.astimezone(BERLIN).strftime("%m-%d %H:%M") for each in occurrences(first, every, 4, BERLIN)]
    assert found == [f"{day} 09:00" for day in expected]


def test_once_is_no_series() -> None:
    first = at(MONDAY, 540, SHANGHAI)
    assert occurrences(first, None, 1, SHANGHAI) == (first,)
    for wrong in (1, 0, 27):
        with pytest.raises(InvalidRecurrence):
            occurrences(first, Every.WEEK, wrong, SHANGHAI)


def test_a_monthly_series_goes_over_the_year() -> None:
    found = occurrences(at(date(2026, 11, 30), 540, SHANGHAI), Every.MONTH, 5, SHANGHAI)
    assert [each.date().isoformat() for each in found] == [
        "2026-11-30",
        "2026-12-30",
        "2027-01-30",
        "2027-02-28",
        "2027-03-30",
    ]
