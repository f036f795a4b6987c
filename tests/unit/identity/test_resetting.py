"""Who may take somebody's authenticator away: case table."""

from __future__ import annotations

import pytest

from domain.identity.policies import LEVEL_OF, Place, Standing, may_reset_authenticator
from domain.kernel.actor import Actor, ActorKind, Grant, Level, Role

HERE = Place(county_id=1, town_id=2, community_id=3, compound_id=4)
NEARBY = Place(county_id=1, town_id=2, community_id=3, compound_id=5)
AWAY = Place(county_id=9, town_id=8, community_id=7, compound_id=6)
BEAT, TOWN_ITSELF = Place(county_id=1, town_id=2, community_id=3), Place(county_id=1, town_id=2)
AREAS = {Level.COUNTY: 1, Level.TOWN: 2, Level.COMMUNITY: 3, Level.COMPOUND: 4}
STAFF, MANAGER, POLICE = Role.PROPERTY_STAFF, Role.PROPERTY_MANAGER, Role.COMMUNITY_POLICE
TOWN, COUNTY = Role.TOWN_OPERATOR, Role.COUNTY_OPERATOR


@pytest.mark.parametrize(
    ("by", "roles", "homes", "allowed"),
    [
        (MANAGER, (), (HERE,), True),
        (MANAGER, ((STAFF, HERE),), (HERE,), True),
        (MANAGER, ((STAFF, HERE),), (NEARBY,), False),  # lives where another keeps
        (MANAGER, ((STAFF, HERE), (STAFF, NEARBY)), (), False),
        (MANAGER, ((MANAGER, HERE),), (), False),  # an equal
        (MANAGER, ((POLICE, BEAT),), (HERE,), False),
        (STAFF, (), (HERE,), False),
        (POLICE, (), (HERE,), False),
        (TOWN, ((MANAGER, HERE), (POLICE, BEAT)), (NEARBY,), True),
        (TOWN, ((TOWN, TOWN_ITSELF),), (), False),
        (COUNTY, ((TOWN, TOWN_ITSELF),), (HERE,), True),
        (COUNTY, ((TOWN, TOWN_ITSELF),), (AWAY,), False),
        (COUNTY, (), (), False),  # who is nothing is kept by nobody
    ],
)
def test_who_keeps_everything_the_person_is(
    by: Role, roles: tuple[tuple[Role, Place], ...], homes: tuple[Place, ...], *, allowed: bool
) -> None:
    actor = Actor(ActorKind.ACCOUNT, account_id=1, grants=(Grant(by, AREAS[LEVEL_OF[by]], LEVEL_OF[by]),))
    assert may_reset_authenticator(actor, Standing(roles, homes)) is allowed
