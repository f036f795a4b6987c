"""Which state of an application may follow which."""

from __future__ import annotations

import pytest

from domain.community.applications.rules import ENDS, OPEN, Progress, may_follow

S, A, I, H, C, R = Progress  # noqa: E741 - by their first letters
FOLLOWS = {S: {S, A, I, H, C, R}, A: {S, A, I, H, C, R}, I: {A, I, H, C}, H: set(), C: set(), R: set()}


@pytest.mark.parametrize("state", Progress)
@pytest.mark.parametrize("following", Progress)
def test_which_state_follows_which(state: Progress, following: Progress) -> None:
    assert may_follow(state, following) == (following in FOLLOWS[state])


def test_nothing_follows_an_end_and_every_end_is_reached() -> None:
    assert set(Progress) == ENDS | OPEN
    assert not any(may_follow(end, state) for end in ENDS for state in Progress)
    assert all(any(may_follow(state, end) for state in OPEN) for end in ENDS)
