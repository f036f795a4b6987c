"""Who keeps whose ways in, and what may stand on record about it: case tables."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.errors import NumbersInWords
from domain.identity.policies import GRANTS, LEVEL_OF, Place, may_end_sessions
from domain.identity.rules import remark
from domain.kernel.actor import Actor, ActorKind, Grant, Level, Role
from domain.kernel.texts import InvalidText

HERE = Place(county_id=1, town_id=2, community_id=3, compound_id=4)
ELSEWHERE = Place(county_id=1, town_id=2, community_id=3, compound_id=5)
AREAS = {Level.COUNTY: 1, Level.TOWN: 2, Level.COMMUNITY: 3, Level.COMPOUND: 4}
MANAGER, TOWN, COUNTY = Role.PROPERTY_MANAGER, Role.TOWN_OPERATOR, Role.COUNTY_OPERATOR


def actor(*roles: Role) -> Actor:
    """Somebody with roles over the areas of HERE."""
    grants = tuple(Grant(role, AREAS[LEVEL_OF[role]], LEVEL_OF[role]) for role in roles)
    return Actor(ActorKind.ACCOUNT, account_id=1, grants=grants)


@pytest.mark.parametrize("keeper", list(Role))
@pytest.mark.parametrize("role", [None, *Role])
def test_a_keeper_ends_the_sign_ins_of_those_below_them(keeper: Role, role: Role | None) -> None:
    roles = set() if role is None else {role}
    assert may_end_sessions(actor(keeper), [HERE], roles) is (keeper in GRANTS and roles <= GRANTS.get(keeper, set()))


@pytest.mark.parametrize(
    ("roles", "ways", "theirs", "allowed"),
    [
        ((MANAGER,), [ELSEWHERE], (), False),  # seen through a place that they do not keep
        ((MANAGER,), [ELSEWHERE, HERE], (), True),
        ((MANAGER,), [], (), False),
        ((MANAGER,), [HERE], (Role.PROPERTY_STAFF, Role.COMMUNITY_POLICE), False),  # above them in one of two roles
        ((MANAGER, Role.PROPERTY_STAFF), [HERE], (MANAGER,), False),  # their equal
        ((TOWN,), [HERE, ELSEWHERE], (MANAGER, Role.COMMUNITY_POLICE), True),
        ((TOWN,), [Place(county_id=1)], (MANAGER,), False),  # a county is not in a town
        ((COUNTY, MANAGER), [HERE], (TOWN,), True),
        ((Role.PROPERTY_STAFF, Role.COMMUNITY_POLICE), [HERE], (), False),
    ],
)
def test_where_and_above_whom(
    roles: Collection[Role], ways: list[Place], theirs: Collection[Role], allowed: bool
) -> None:
    assert may_end_sessions(actor(*roles), ways, set(theirs)) is allowed


@pytest.mark.parametrize(
    "text",
    [
        "330102199001011234",
        "电话 139 0000 0000",
        "1390000-0000",
        "３３０１０２１９９",
        "号码33.01.02.19",
    ],
)
def test_a_remark_holds_no_numbers_of_persons_or_phones(text: str) -> None:
    with pytest.raises(NumbersInWords):
        remark(text, field="reason")


@pytest.mark.parametrize("text", ["", "  ", "x" * 201, "a\nb"])
def test_a_remark_is_one_short_line(text: str) -> None:
    with pytest.raises(InvalidText):
        remark(text, field="reason")


def test_a_remark_may_name_a_day_or_a_door() -> None:
    assert remark(" 手机于 11月22日 遗失，3栋1202室 ", field="reason") == "手机于 11月22日 遗失，3栋1202室"


@given(st.text(max_size=40), st.from_regex(r"[1-9][0-9]{10}", fullmatch=True), st.text(max_size=40))
def test_a_phone_is_found_wherever_it_stands(before: str, phone: str, after: str) -> None:
    with pytest.raises((NumbersInWords, InvalidText)):
        remark(before + phone + after, field="reason")
