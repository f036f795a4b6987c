"""grantRole, revokeRole, inviteMember, verifyHousehold, endHousehold, households, roleGrants and their nodes."""

from __future__ import annotations

import asyncpg
import pytest

from api.nodes import global_id
from domain.kernel.actor import HomeRole, Role, Trust
from tests.factories.api import Api
from tests.factories.world import Person, World

GRANT = """mutation($phone: String!, $role: Role!, $area: ID!) {
  grantRole(input: {phone: $phone, role: $role, area: $area, name: "新员工"}) {
    id role revokedAt area { name } account { name phone } } }"""
REVOKE = "mutation($grant: ID!) { revokeRole(grant: $grant) { role revokedAt } }"
INVITE = """mutation($home: ID!, $phone: String!, $role: HomeRole!) {
  inviteMember(input: {home: $home, phone: $phone, role: $role}) { id trust role } }"""
VERIFY = "mutation($household: ID!) { verifyHousehold(household: $household) { trust account { phone } } }"
END = "mutation($household: ID!) { endHousehold(household: $household) { endedAt } }"
HOUSEHOLDS = """query($home: ID, $compound: ID, $trust: Trust) {
  households(home: $home, compound: $compound, trust: $trust) { edges { node {
    role livesAlone disabledPerson account { phone } home { door } } } } }"""
GRANTS = "query($area: ID) { roleGrants(area: $area) { edges { node { role area { name } account { phone } } } } }"
NODE = (
    "query($id: ID!) { node(id: $id) { __typename id ... on Account { name phone } ... on Household { livesAlone } } }"
)


def area(world: World, name: str) -> str:
    return global_id("Area", world.areas[name])


async def test_a_role_is_granted_used_and_revoked(api: Api, world: World) -> None:
    operator = await world.with_role(Role.TOWN_OPERATOR, "a1")
    person = await world.person("员工")
    answer = await api.ask(GRANT, operator, phone=person.phone, role="PROPERTY_MANAGER", area=area(world, "a111"))
    granted = answer.data["grantRole"]
    assert granted["area"] == {"name": "a111"}
    assert granted["account"] == {"name": "员工", "phone": None}  # an operator is not shown the phone
    assert (await api.ask(GRANTS, person)).data["roleGrants"]["edges"][0]["node"]["role"] == "PROPERTY_MANAGER"
    revoked = (await api.ask(REVOKE, operator, grant=granted["id"])).data["revokeRole"]
    assert revoked["revokedAt"] is not None
    api.authenticator.forget([person.id])
    assert (await api.ask(GRANTS, person)).codes == ["NOT_FOUND"]
    assert (await api.ask(REVOKE, operator, grant=granted["id"])).codes == ["ALREADY_REVOKED"]


async def test_a_grant_outside_looks_like_an_area_that_is_not_there(
    api: Api, world: World, superuser: asyncpg.Connection
) -> None:
    operator = await world.with_role(Role.TOWN_OPERATOR, "a1")
    outside = await api.ask(GRANT, operator, phone="13811111111", role="TOWN_OPERATOR", area=area(world, "b1"))
    absent = await api.ask(GRANT, operator, phone="13811111111", role="TOWN_OPERATOR", area=global_id("Area", 99999))
    assert outside == absent
    assert outside.codes == ["NOT_FOUND"]
    assert await superuser.fetchval("select count(*) from role_grant") == 1


async def test_an_owner_invites_the_office_verifies_and_the_member_leaves(api: Api, world: World) -> None:
    owner = await world.living_in("a111/1")
    guest = await world.person()
    office = await world.with_role(Role.PROPERTY_STAFF, "a111")
    home = global_id("Home", world.homes["a111/1"])
    invited = (await api.ask(INVITE, owner, home=home, phone=guest.phone, role="MEMBER")).data["inviteMember"]
    assert (invited["trust"], invited["role"]) == ("PHONE", "MEMBER")
    verified = await api.ask(VERIFY, office, household=invited["id"])
    assert verified.data["verifyHousehold"] == {"trust": "OFFICE", "account": {"phone": guest.phone}}
    assert (await api.ask(END, guest, household=invited["id"])).data["endHousehold"]["endedAt"]
    assert (await api.ask(INVITE, owner, home=home, phone=owner.phone, role="MEMBER")).codes == ["ALREADY_MEMBER"]


async def test_a_resident_sees_their_own_home_and_only_their_own_secrets(api: Api, world: World) -> None:
    owner = await world.living_in("a111/1", lives_alone=True)
    await world.living_in("a111/1", HomeRole.MEMBER, disabled_person=True)
    await world.living_in("a111/2")
    edges = (await api.ask(HOUSEHOLDS, owner)).data["households"]["edges"]
    mine = {"role": "OWNER", "livesAlone": True, "disabledPerson": False}
    theirs = {"role": "MEMBER", "livesAlone": None, "disabledPerson": None}
    assert [edge["node"] for edge in edges] == [
        {**mine, "account": {"phone": owner.phone}, "home": {"door": "1"}},
        {**theirs, "account": {"phone": None}, "home": {"door": "1"}},
    ]


@pytest.mark.parametrize(
    ("role", "at", "seen"),
    [
        (Role.PROPERTY_STAFF, "a111", 2),
        (Role.PROPERTY_MANAGER, "a111", 2),
        (Role.COMMUNITY_POLICE, "a11", 3),
        (Role.PROPERTY_STAFF, "a211", 0),
    ],
)
async def test_office_and_police_see_the_residents_they_serve(
    api: Api, world: World, role: Role, at: str, seen: int
) -> None:
    for home in ("a111/1", "a111/2", "a112/1", "b111/1"):
        await world.living_in(home, lives_alone=True)
    edges = (await api.ask(HOUSEHOLDS, await world.with_role(role, at))).data["households"]["edges"]
    assert len(edges) == seen
    assert all(edge["node"]["account"]["phone"].startswith("+86139") for edge in edges)
    assert all(edge["node"]["livesAlone"] for edge in edges)


async def test_filters_narrow_the_residents(api: Api, world: World) -> None:
    police = await world.with_role(Role.COMMUNITY_POLICE, "a11")
    await world.living_in("a111/1")
    await world.living_in("a111/2", trust=Trust.PHONE)
    await world.living_in("a112/1")

    async def count(**variables: str) -> int:
        return len((await api.ask(HOUSEHOLDS, police, **variables)).data["households"]["edges"])

    assert await count(compound=area(world, "a111")) == 2
    assert await count(home=global_id("Home", world.homes["a111/1"])) == 1
    assert await count(trust="PHONE") == 1
    assert await count(compound=area(world, "b111")) == 0


async def test_an_operators_view_is_without_residents_even_where_they_also_work_in_an_office(
    api: Api, world: World
) -> None:
    for home in ("a111/1", "a112/1"):
        await world.living_in(home)
    both = await world.with_role(Role.TOWN_OPERATOR, "a1")
    assert (await api.ask(HOUSEHOLDS, both)).codes == ["NOT_FOUND"]
    await world.with_role(Role.PROPERTY_STAFF, "a112", both)
    api.authenticator.forget()
    edges = (await api.ask(HOUSEHOLDS, both)).data["households"]["edges"]
    assert len(edges) == 1


async def test_grants_are_seen_in_ones_own_area_by_staff(api: Api, world: World) -> None:
    manager = await world.with_role(Role.PROPERTY_MANAGER, "a111")
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    await world.with_role(Role.PROPERTY_STAFF, "a112")
    edges = (await api.ask(GRANTS, manager)).data["roleGrants"]["edges"]
    assert [edge["node"]["account"]["phone"] for edge in edges] == [manager.phone, staff.phone]
    assert (await api.ask(GRANTS, manager, area=area(world, "a112"))).data["roleGrants"]["edges"] == []


async def node(api: Api, by: Person | None, type_name: str, rest: int | str) -> object:
    answer = await api.ask(NODE, by, id=global_id(type_name, rest))
    return answer.data["node"] if answer.data and answer.data["node"] else answer.codes


async def test_a_node_is_seen_by_whom_it_concerns_and_by_nobody_else(api: Api, world: World) -> None:
    resident = await world.living_in("a111/1", lives_alone=True)
    household = await world.household_id(resident)
    staff = await world.with_role(Role.PROPERTY_STAFF, "a111")
    elsewhere = await world.with_role(Role.PROPERTY_STAFF, "a112")
    operator = await world.with_role(Role.COUNTY_OPERATOR, "a")
    grant = await world.grant_id(staff)
    for by in (resident, staff):
        assert await node(api, by, "Account", resident.id) == {
            "__typename": "Account",
            "id": global_id("Account", resident.id),
            "name": "owner a111/1",
            "phone": resident.phone,
        }
        assert (await node(api, by, "Household", household))["livesAlone"] is True  # type: ignore[index]
    for by in (elsewhere, operator, await world.living_in("a111/2")):
        assert await node(api, by, "Account", resident.id) == ["NOT_FOUND"]
        assert await node(api, by, "Household", household) == ["NOT_FOUND"]
    for by in (staff, operator):
        assert (await node(api, by, "RoleGrant", grant))["__typename"] == "RoleGrant"  # type: ignore[index]
    for by in (elsewhere, resident):
        assert await node(api, by, "RoleGrant", grant) == ["NOT_FOUND"]
    assert await node(api, None, "Account", resident.id) == ["UNAUTHENTICATED"]


async def test_places_are_nodes_too(api: Api, world: World) -> None:
    resident = await world.living_in("a111/1")
    assert (await node(api, resident, "Home", world.homes["a111/1"]))["__typename"] == "Home"  # type: ignore[index]
    assert (await node(api, resident, "Building", world.buildings["a111"]))["__typename"] == "Building"  # type: ignore[index]
    assert (await node(api, resident, "Area", world.areas["a111"]))["__typename"] == "Area"  # type: ignore[index]
    assert await node(api, resident, "Home", world.homes["a111/2"]) == ["NOT_FOUND"]
    assert await node(api, resident, "Building", world.buildings["a112"]) == ["NOT_FOUND"]
    assert await node(api, resident, "Area", world.areas["a11"]) == ["NOT_FOUND"]


@pytest.mark.parametrize(
    "value",
    ["", "x", "QXJlYQ==", "QXJlYTo=", "Om8=", "QXJlYToxOjI=", "QXJlYTotMQ==", "QXJlYTow", "QXJlYTrvvJE=", "/w==",
     "U2Vzc2lvbjox", "UXVlcnk6MQ==", "QXJlYTo5OTk5OTk5OTk5OTk5OTk5OTk5OTk="],
)  # fmt: skip
async def test_what_names_nothing_is_not_found(api: Api, world: World, value: str) -> None:
    answer = await api.ask(NODE, await world.with_role(Role.COUNTY_OPERATOR, "a"), id=value)
    assert answer.codes == ["NOT_FOUND"]
    assert answer.data == {"node": None}
