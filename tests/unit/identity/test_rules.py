"""Phones, names and policies: case tables."""

from __future__ import annotations

import pytest

from domain.identity.errors import InvalidName, InvalidPhone
from domain.identity.policies import GRANTS, LEVEL_OF, Place, holds, may_change_home, may_grant, may_verify
from domain.identity.rules import normalise_name, normalise_phone
from domain.kernel.actor import (
    ANONYMOUS,
    NOTHING,
    Actor,
    ActorKind,
    Grant,
    HomeRole,
    Household,
    Level,
    Role,
    Scope,
    Trust,
    scope_of,
    system_actor,
)
from tests.factories.world import LONG_AGO

HERE = Place(county_id=1, town_id=2, community_id=3, compound_id=4)
AREAS = {Level.COUNTY: 1, Level.TOWN: 2, Level.COMMUNITY: 3, Level.COMPOUND: 4}


def holder(role: Role, area_id: int | None = None) -> Actor:
    level = LEVEL_OF[role]
    grant = Grant(role, AREAS[level] if area_id is None else area_id, level)
    return Actor(ActorKind.ACCOUNT, account_id=1, grants=(grant,))


def resident(role: HomeRole, trust: Trust = Trust.OFFICE, home_id: int = 9) -> Actor:
    return Actor(ActorKind.ACCOUNT, account_id=1, households=(Household(home_id, 4, role, trust, LONG_AGO),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("13900000000", "+8613900000000"),
        (" 139 0000-0000 ", "+8613900000000"),
        ("+86 139 0000 0000", "+8613900000000"),
        ("008613900000000", "+8613900000000"),
        ("+85251234567", "+85251234567"),
        ("+1 (202) 555-0100", "+12025550100"),
    ],
)
def test_a_phone_has_one_spelling(text: str, expected: str) -> None:
    assert normalise_phone(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "1", "12900000000", "1390000000", "139000000000", "+8612900000000", "+86", "+0123456789", "x",
     "+86139０0000000", "+1234567890123456", "13900000000\n1", "１３９００００００００"],
)  # fmt: skip
def test_what_cannot_receive_a_message_is_no_phone(text: str) -> None:
    with pytest.raises(InvalidPhone) as error:
        normalise_phone(text)
    assert error.value.field == "phone"


def test_a_name_is_trimmed_and_may_be_empty() -> None:
    assert normalise_name("  李四 ") == "李四"
    assert normalise_name("") == ""


@pytest.mark.parametrize("text", ["x" * 41, "a\u202eb", "a\nb", "\x00"])
def test_a_name_is_short_and_printable(text: str) -> None:
    with pytest.raises(InvalidName):
        normalise_name(text)


@pytest.mark.parametrize("giver", list(Role))
@pytest.mark.parametrize("given", list(Role))
def test_a_role_grants_only_below_itself_and_inside_its_area(giver: Role, given: Role) -> None:
    assert may_grant(holder(giver), given, HERE) is (given in GRANTS.get(giver, ()))
    assert not may_grant(holder(giver, area_id=99), given, HERE)


def test_a_worker_reaches_no_rows_of_the_compound_only_what_is_known_around_and_their_work() -> None:
    worker = holder(Role.SERVICE_WORKER)
    assert scope_of(worker.grants, (), 1) == Scope(workplaces=(4,), account=1)
    both = (*worker.grants, Grant(Role.PROPERTY_STAFF, 4, Level.COMPOUND))
    assert scope_of(both, (), 1) == Scope(compounds=(4,), workplaces=(4,), account=1)
    assert scope_of(both, (), 1).settings().split("; ")[1] == "SET LOCAL app.workplaces = '4'"


def test_nobody_grants_their_own_role() -> None:
    assert all(role not in given for role, given in GRANTS.items())


def test_a_wider_place_is_not_inside_a_narrow_area() -> None:
    assert not holds(holder(Role.PROPERTY_MANAGER), {Role.PROPERTY_MANAGER}, Place(county_id=1, town_id=2))
    assert holds(holder(Role.TOWN_OPERATOR), {Role.TOWN_OPERATOR}, Place(county_id=1, town_id=2))


def test_the_system_grants_and_verifies_and_the_anonymous_nothing() -> None:
    assert may_grant(system_actor(NOTHING), Role.COUNTY_OPERATOR, HERE)
    assert may_verify(system_actor(NOTHING), HERE)
    assert not may_grant(ANONYMOUS, Role.PROPERTY_STAFF, HERE)
    assert not may_verify(ANONYMOUS, HERE)


@pytest.mark.parametrize("role", list(Role))
def test_only_the_compounds_own_office_verifies(role: Role) -> None:
    office = role in (Role.PROPERTY_STAFF, Role.PROPERTY_MANAGER)
    assert may_verify(holder(role), HERE) is office
    assert not may_verify(holder(role, area_id=99), HERE)


@pytest.mark.parametrize(
    ("actor", "role", "allowed"),
    [
        (resident(HomeRole.OWNER), HomeRole.OWNER, False),
        (resident(HomeRole.OWNER), HomeRole.TENANT, True),
        (resident(HomeRole.OWNER), HomeRole.MEMBER, True),
        (resident(HomeRole.OWNER, Trust.PHONE), HomeRole.MEMBER, False),
        (resident(HomeRole.OWNER, home_id=8), HomeRole.MEMBER, False),
        (resident(HomeRole.TENANT), HomeRole.TENANT, False),
        (resident(HomeRole.TENANT), HomeRole.MEMBER, True),
        (resident(HomeRole.MEMBER), HomeRole.MEMBER, False),
        (holder(Role.PROPERTY_STAFF), HomeRole.OWNER, True),
        (holder(Role.COMMUNITY_POLICE), HomeRole.MEMBER, False),
    ],
)
def test_who_may_bring_whom_into_a_home(actor: Actor, role: HomeRole, allowed: bool) -> None:
    assert may_change_home(actor, 9, role, HERE) is allowed
