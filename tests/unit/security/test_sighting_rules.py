"""Folding reads of a tag into visits and presences."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.security.sightings.rules import GONE_WINDOW, Read, fold, merge, stronger, visits

START = datetime(2026, 5, 1, 8, tzinfo=UTC)


def read(
    first: float, last: float | None = None, *, antenna: int | None = 1, rssi: int | None = -60, n: int = 1
) -> Read:
    ends = first if last is None else last
    return Read("AB", START + timedelta(seconds=first), START + timedelta(seconds=ends), antenna, rssi, n)


def span(found: Read) -> tuple[float, float, int]:
    return (found.first - START).total_seconds(), (found.last - START).total_seconds(), found.count


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((1, -50), (2, -60), (1, -50)),
        ((1, -60), (2, -50), (2, -50)),
        ((1, -60), (2, -60), (1, -60)),
        ((1, None), (2, -60), (2, -60)),
        ((1, -60), (2, None), (1, -60)),
        ((1, None), (2, None), (1, None)),
    ],
)
def test_the_stronger_antenna_is_kept(
    a: tuple[int, int | None], b: tuple[int, int | None], expected: tuple[int, int | None]
) -> None:
    assert stronger(read(0, antenna=a[0], rssi=a[1]), read(1, antenna=b[0], rssi=b[1])) == expected


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0], [(0, 0, 1)]),
        ([0, 10], [(0, 10, 2)]),
        ([0, 10.001], [(0, 0, 1), (10.001, 10.001, 1)]),
        ([9, 0, 5], [(0, 9, 3)]),
        ([0, 9, 18, 40], [(0, 18, 3), (40, 40, 1)]),
    ],
)
def test_reads_closer_than_the_window_are_one_visit(
    times: list[float], expected: list[tuple[float, float, int]]
) -> None:
    assert [span(visit) for visit in visits(read(at) for at in times)] == expected


FOLDS = [
    # presence, visits -> closed, past, open, entered
    (None, [(0, 2)], None, [], (0, 2), True),
    (None, [(0, 2), (20, 21)], None, [(0, 2)], (20, 21), True),
    ((0, 5), [(8, 9)], None, [], (0, 9), False),
    ((0, 5), [(2, 3)], None, [], (0, 5), False),
    ((0, 5), [(20, 21)], (0, 5), [], (20, 21), True),
    ((0, 5), [(20, 21), (40, 41)], (0, 5), [(20, 21)], (40, 41), True),
    ((100, 105), [(20, 21)], None, [(20, 21)], (100, 105), False),
    ((100, 105), [(93, 94)], None, [], (100, 105), False),  # reads that come out of order belong to the presence
    ((100, 105), [(20, 21), (110, 111)], None, [(20, 21)], (100, 111), False),
]


@pytest.mark.parametrize(("presence", "batch", "closed", "past", "open_", "entered"), FOLDS)
def test_what_a_batch_does_to_a_presence(
    presence: tuple[float, float] | None,
    batch: list[tuple[float, float]],
    closed: tuple[float, float] | None,
    past: list[tuple[float, float]],
    open_: tuple[float, float],
    entered: bool,
) -> None:
    result = fold(None if presence is None else read(*presence), [read(*visit) for visit in batch])
    assert (span(result.closed)[:2] if result.closed else None) == closed
    assert [span(visit)[:2] for visit in result.past] == past
    assert (span(result.open)[:2], result.entered) == (open_, entered)


def test_a_presence_stored_already_keeps_its_beginning() -> None:
    assert fold(read(100, 105), [read(93, 101)]).open.first == START + timedelta(seconds=100)


@given(st.lists(st.integers(0, 200), min_size=1, max_size=30))
def test_no_read_is_lost_and_visits_stand_apart(times: list[int]) -> None:
    found = visits(read(at) for at in times)
    assert sum(visit.count for visit in found) == len(times)
    assert all(later.first - earlier.last > GONE_WINDOW for earlier, later in itertools.pairwise(found))


@given(st.integers(0, 50), st.integers(0, 50))
def test_merging_is_the_same_either_way_round(a: int, b: int) -> None:
    one, two = read(a, a + 3, rssi=-50), read(b, b + 1, rssi=-70, n=4)
    assert merge(one, two) == merge(two, one)
