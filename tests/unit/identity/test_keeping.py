"""Who keeps whose ways in, and what may stand on record about it: case tables."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity.errors import NumbersInWords
from domain.identity.numbers.rules import vouched
from domain.identity.policies import GRANTS, LEVEL_OF, Place, Standing, may_end_sessions
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


IN_B = Place(county_id=9, town_id=8, community_id=7, compound_id=6)
COMMUNITY, BEAT = Place(1, 2, 3), Role.COMMUNITY_POLICE


def standing(*roles: tuple[Role, Place], homes: tuple[Place, ...] = ()) -> Standing:
    return Standing(roles, homes)


RESIDENT = standing(homes=(HERE,))
OFFICE_HERE, OFFICE_IN_B = standing((MANAGER, HERE)), standing((MANAGER, IN_B))
OF_TOWN, OF_COUNTY = standing((TOWN, Place(1, 2))), standing((COUNTY, Place(1)))


@pytest.mark.parametrize(
    ("person", "vouchers", "enough"),
    [
        (RESIDENT, [OFFICE_HERE], True),
        (RESIDENT, [], False),
        (RESIDENT, [OFFICE_IN_B], False),
        (RESIDENT, [standing((Role.PROPERTY_STAFF, HERE))], False),  # no keeper
        (standing(), [OFFICE_HERE], False),  # nothing anywhere: nobody's word counts
        (standing(homes=(HERE, IN_B)), [OFFICE_HERE], False),  # a home elsewhere needs the word of the office there
        (standing(homes=(HERE, IN_B)), [OFFICE_HERE, OFFICE_IN_B], True),
        (standing((Role.SERVICE_WORKER, HERE), homes=(HERE,)), [OFFICE_HERE], True),
        (standing((Role.SERVICE_WORKER, HERE), homes=(IN_B,)), [OFFICE_HERE], False),  # brought in by who then asks
        (standing((MANAGER, HERE)), [OFFICE_HERE], False),  # their equal
        (standing((MANAGER, HERE), homes=(HERE,)), [OF_TOWN], True),
        (standing((BEAT, COMMUNITY), homes=(HERE,)), [OFFICE_HERE], False),
        (standing((BEAT, COMMUNITY), homes=(HERE,)), [OF_TOWN], True),
        (standing((BEAT, COMMUNITY), homes=(IN_B,)), [OF_TOWN, OFFICE_IN_B], True),
        (standing((TOWN, Place(1, 2))), [OF_TOWN], False),
        (standing((TOWN, Place(1, 2))), [OF_COUNTY], True),
        (standing((COUNTY, Place(1))), [OF_COUNTY], False),  # nobody stands above: made anew on the command line
        (standing((MANAGER, IN_B)), [OF_COUNTY], False),
    ],
)
def test_whose_word_moves_a_number(person: Standing, vouchers: list[Standing], enough: bool) -> None:
    assert vouched(person, vouchers) is enough
