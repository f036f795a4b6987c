"""The people of the actor matrix, around compound a111 and its home a111/1."""

from __future__ import annotations

from enum import StrEnum

from domain.kernel.actor import Role
from tests.factories.world import Person, World


class Cast(StrEnum):
    """Everybody who may ask, seen from a111/1."""

    RESIDENT = "resident"
    NEIGHBOUR = "neighbour"
    STAFF = "staff"
    MANAGER = "manager"
    SIBLING_STAFF = "sibling_staff"
    POLICE = "police"
    TOWN = "town"
    COUNTY = "county"
    OTHER_COUNTY = "other_county"
    GUEST = "guest"


ROLES = {
    Cast.STAFF: (Role.PROPERTY_STAFF, "a111"),
    Cast.MANAGER: (Role.PROPERTY_MANAGER, "a111"),
    Cast.SIBLING_STAFF: (Role.PROPERTY_STAFF, "a112"),
    Cast.POLICE: (Role.COMMUNITY_POLICE, "a11"),
    Cast.TOWN: (Role.TOWN_OPERATOR, "a1"),
    Cast.COUNTY: (Role.COUNTY_OPERATOR, "a"),
    Cast.OTHER_COUNTY: (Role.COUNTY_OPERATOR, "b"),
}
HOMES = {Cast.RESIDENT: "a111/1", Cast.NEIGHBOUR: "a111/2"}


async def cast_of(world: World, who: str) -> Person:
    """A new person who is ``who``."""
    if who in HOMES:
        return await world.living_in(HOMES[Cast(who)])
    if who in ROLES:
        return await world.with_role(*ROLES[Cast(who)])
    return await world.person()
