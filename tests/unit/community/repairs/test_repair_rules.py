"""Repairs: the table of steps, deadlines, cancelling, prices and turns."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.applications.rules import ENDS as APPLICATION_ENDS
from domain.community.applications.rules import Progress, may_follow
from domain.community.repairs.rules import (
    ENDS,
    KINDS,
    MOST_FEN,
    MOVES,
    Item,
    ItemKind,
    Late,
    RepairKind,
    RepairState,
    Step,
    Turn,
    due_on,
    finish_by,
    late,
    may_cancel,
    may_take,
    next_in_turn,
    sound,
    total_fen,
    warranty_until,
)

S = RepairState
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALLOWED = {
    S.OPEN: {Step.TAKE, Step.CANCEL, Step.REJECT},
    S.ASSIGNED: {Step.RELEASE, Step.QUOTE, Step.CANCEL, Step.REJECT},
    S.QUOTED: {Step.AGREE, Step.REFUSE, Step.CANCEL},
    S.AGREED: {Step.START, Step.CANCEL},
    S.IN_PROGRESS: {Step.QUOTE, Step.FINISH},
}
REACHED = {
    S.OPEN: Progress.SUBMITTED, S.ASSIGNED: Progress.ACCEPTED, S.QUOTED: Progress.ACCEPTED, S.AGREED: Progress.ACCEPTED,
    S.IN_PROGRESS: Progress.IN_PROGRESS, S.DONE: Progress.HANDLED, S.CANCELLED: Progress.CANCELLED,
    S.REJECTED: Progress.REJECTED,
}  # fmt: skip


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("step", Step)
def test_which_step_may_be_taken_from_which_state(state: S, step: Step) -> None:
    assert may_take(step, state, warranted=False) == (step in ALLOWED.get(state, ()))
    free = (step in ALLOWED.get(state, ()) and step is not Step.QUOTE) or (step, state) == (Step.START, S.ASSIGNED)
    assert may_take(step, state, warranted=True) == free


def test_every_step_moves_the_application_the_way_it_may_go() -> None:
    for move in MOVES.values():
        assert REACHED[move.after] is move.progress
        for state in move.before | move.warranted:
            assert may_follow(REACHED[state], move.progress)
        assert (move.after in ENDS) == (move.progress in APPLICATION_ENDS)


def test_every_state_is_reached_and_only_ends_are_left_by_nothing() -> None:
    assert {move.after for move in MOVES.values()} == set(S)
    assert set(S) - set(ALLOWED) == ENDS


def test_every_kind_has_its_rule() -> None:
    assert KINDS.keys() == set(RepairKind)
    assert all(rule.accept_within < rule.finish_within and rule.warranty_days > 0 for rule in KINDS.values())


@pytest.mark.parametrize(
    ("state", "by_office", "hours_ahead", "expected"),
    [
        (S.OPEN, False, 0, True),
        (S.QUOTED, False, 0, True),
        (S.AGREED, False, 2, True),
        (S.AGREED, False, 1.99, False),
        (S.AGREED, False, None, True),
        (S.AGREED, True, 0, True),
        (S.IN_PROGRESS, True, 9, False),
        (S.DONE, True, 9, False),
        (S.CANCELLED, False, 9, False),
    ],
)
def test_what_may_be_called_off(state: S, by_office: bool, hours_ahead: float | None, expected: bool) -> None:
    visit = None if hours_ahead is None else NOW + timedelta(hours=hours_ahead)
    assert may_cancel(state, by_office=by_office, visit_from=visit, now=NOW) == expected


@pytest.mark.parametrize(
    ("state", "accept", "finish", "expected"),
    [
        (S.OPEN, -HOUR, None, Late.ACCEPT),
        (S.OPEN, timedelta(), None, None),
        (S.ASSIGNED, -HOUR, HOUR, None),
        (S.ASSIGNED, -HOUR, -HOUR, Late.FINISH),
        (S.QUOTED, -HOUR, -HOUR, None),  # the home thinks
        (S.AGREED, -HOUR, -HOUR, Late.FINISH),
        (S.IN_PROGRESS, -HOUR, -HOUR, Late.FINISH),
        (S.DONE, -HOUR, -HOUR, None),
    ],
)
def test_what_is_late(state: S, accept: timedelta, finish: timedelta | None, expected: Late | None) -> None:
    assert late(state, NOW + accept, None if finish is None else NOW + finish, NOW) is expected


def test_a_wish_for_later_moves_the_deadline() -> None:
    assert finish_by(RepairKind.GAS_STOVE, NOW, None) == NOW + DAY
    assert finish_by(RepairKind.GAS_STOVE, NOW, NOW + 3 * HOUR) == NOW + DAY
    assert finish_by(RepairKind.GAS_STOVE, NOW, NOW + 3 * DAY) == NOW + 3 * DAY


def test_days_are_those_of_the_compound() -> None:
    evening = datetime(2026, 2, 28, 16, 30, tzinfo=UTC)  # half past midnight on the first of March there
    assert warranty_until(RepairKind.BED, evening, "Asia/Shanghai") == date(2026, 3, 31)
    assert due_on(evening, "Asia/Shanghai") == date(2026, 3, 16)
    assert due_on(evening, "UTC") == date(2026, 3, 15)


items = st.builds(Item, st.sampled_from(ItemKind), st.just("x"), st.integers(-2, 1200), st.integers(-5, MOST_FEN + 5))


@given(st.lists(items, max_size=40))
def test_sound_items_cost_something_within_bounds(made: list[Item]) -> None:
    if sound(made):
        assert 1 <= len(made) <= 30
        assert 0 <= total_fen(made) <= MOST_FEN
        assert all(item.quantity >= 1 and item.unit_fen >= 0 for item in made)


def test_some_items_are_sound() -> None:
    assert sound([Item(ItemKind.PART, "x", 2, 150), Item(ItemKind.LABOUR, "y", 1, 0)])
    assert not sound([])
    assert not sound([Item(ItemKind.PART, "x", 1, MOST_FEN), Item(ItemKind.PART, "x", 1, 1)])


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), unique_by=lambda each: each[0]))
def test_turns_go_round(workers: list[tuple[int, int]]) -> None:
    turns = [Turn(*each) for each in workers]
    given_to = []
    for n in range(len(turns)):
        chosen = next_in_turn(turns)
        assert chosen is not None
        given_to.append(chosen)
        turns = [Turn(t.worker, 10 + n) if t.worker == chosen else t for t in turns]
    assert sorted(given_to) == sorted(number for number, _ in workers)
    assert next_in_turn([]) is None
