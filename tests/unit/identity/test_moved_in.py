"""Which rows of a home are of the time of somebody who belongs to it: by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.estate.visibility import at_home
from domain.kernel.actor import Actor, ActorKind, HomeRole, Household, Scope, Trust, scope_of
from domain.security.alerts.policies import shows, sight_of

MOVED = datetime(2026, 3, 1, 8, tzinfo=UTC)
TICK = timedelta(microseconds=1)
LIVES = (
    Household(9, 4, HomeRole.TENANT, Trust.OFFICE, MOVED),
    Household(8, 4, HomeRole.OWNER, Trust.PHONE, MOVED - timedelta(days=1)),
)
ACTOR = Actor(ActorKind.ACCOUNT, 1, households=LIVES, scope=scope_of((), LIVES, 1))


@pytest.mark.parametrize(
    ("home", "over", "seen"),
    [
        (9, MOVED - TICK, False),
        (9, MOVED, True),
        (9, MOVED + TICK, True),
        (9, None, True),
        (8, MOVED - TICK, True),
        (8, MOVED - timedelta(days=1, microseconds=1), False),
        (7, MOVED, False),
        (7, None, False),
        (None, MOVED, False),
    ],
)
def test_a_row_counts_from_the_instant_of_moving_in(home: int | None, over: datetime | None, seen: bool) -> None:
    assert at_home(ACTOR.scope, home, over) is seen
    alert = SimpleNamespace(
        county_id=1, town_id=2, community_id=3, compound_id=4, home_id=home, over_at=over, audience=["home"]
    )
    assert shows(sight_of(ACTOR), alert) is seen


def test_a_part_of_a_scope_keeps_its_instants_and_gains_no_homes() -> None:
    part = ACTOR.scope.only_homes([9, 7])
    assert part == Scope(homes=(9,), moved_in=((9, MOVED),))
    assert ACTOR.scope.only_homes([7]) == Scope()


def test_row_level_security_is_told_of_homes_alone() -> None:
    names = ("homes", "neighbourhoods", "account")
    said = "; ".join(f"SET LOCAL app.{name} = '{value}'" for name, value in zip(names, ("8,9", "4", "1"), strict=True))
    assert ACTOR.scope.settings() == said


@given(st.integers(), st.datetimes(timezones=st.just(UTC)) | st.none())
def test_homes_named_without_an_instant_are_seen_whole(home: int, over: datetime | None) -> None:
    assert at_home(Scope(homes=(home,)), home, over)
