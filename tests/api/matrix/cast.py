"""Who asks: one actor per role around home a111/1, and people who are several things at once or no longer anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from api.policy import ANONYMOUS, GUEST, RESIDENT
from domain.kernel.actor import HomeRole, Role, Trust

COMPOUNDS = ("a111", "a112", "a121", "a211", "b111")
AREAS = tuple(sorted({compound[:n] for compound in COMPOUNDS for n in range(1, 5)}))
HOMES = tuple(f"{compound}/{door}" for compound in COMPOUNDS for door in (1, 2))
OFFICER = {1: Role.COUNTY_OPERATOR, 2: Role.TOWN_OPERATOR, 3: Role.COMMUNITY_POLICE, 4: Role.PROPERTY_MANAGER}
"""The role of the one who holds something over an area in the world's furniture, by the length of its name."""


WORKING = {compound: "worker" if compound == "a111" else f"worker_{compound}" for compound in COMPOUNDS}
"""Whose work the rows of a compound are that name a worker."""


class Standing(StrEnum):
    """What a sign-in is worth."""

    GOOD = "good"
    ANONYMOUS = "anonymous"
    DISABLED = "disabled"
    SIGNED_OUT = "signed_out"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Tenancy:
    """Belonging to a home; ``lately``: since after all that has happened there so far."""

    home: str
    role: HomeRole = HomeRole.OWNER
    trust: Trust = Trust.OFFICE
    lately: bool = False

    @property
    def compound(self) -> str:
        """The home's compound."""
        return self.home.partition("/")[0]


@dataclass(frozen=True)
class Who:
    """Somebody: open grants and tenancies, and those that are over."""

    name: str
    grants: tuple[tuple[Role, str], ...] = ()
    homes: tuple[Tenancy, ...] = ()
    revoked: tuple[tuple[Role, str], ...] = ()
    ended: tuple[Tenancy, ...] = ()
    standing: Standing = Standing.GOOD

    @property
    def roles(self) -> frozenset[str]:
        """Names as the policy table has them; somebody whose sign-in does not stand is nobody."""
        if self.standing is not Standing.GOOD:
            return frozenset({ANONYMOUS})
        names = {str(role) for role, _ in self.grants} | ({RESIDENT} if self.homes else set())
        return frozenset(names or {GUEST})

    def over(self, place: str) -> frozenset[str]:
        """The roles held over an area that contains ``place``, an area's or a home's name."""
        return frozenset(str(role) for role, area in self.grants if place.startswith(area))

    def tenancy(self, home: str | None) -> Tenancy | None:
        """How they belong to ``home``, if they do."""
        return next((each for each in self.homes if each.home == home), None)


STAFF, MANAGER, POLICE = Role.PROPERTY_STAFF, Role.PROPERTY_MANAGER, Role.COMMUNITY_POLICE
TOWN, COUNTY, WORKER = Role.TOWN_OPERATOR, Role.COUNTY_OPERATOR, Role.SERVICE_WORKER
HERE = "a111/1"

ACTORS = (
    Who("anonymous", standing=Standing.ANONYMOUS),
    Who("guest"),
    Who("owner", homes=(Tenancy(HERE),)),
    Who("tenant", homes=(Tenancy(HERE, HomeRole.TENANT),)),
    Who("member", homes=(Tenancy(HERE, HomeRole.MEMBER),)),
    Who("unverified_owner", homes=(Tenancy(HERE, HomeRole.OWNER, Trust.PHONE),)),
    Who("new_tenant", homes=(Tenancy(HERE, HomeRole.TENANT, lately=True),)),
    Who("new_owner_from_nearby", homes=(Tenancy(HERE, lately=True), Tenancy("a111/2"))),
    Who("worker", ((WORKER, "a111"),)),
    Who("staff", ((STAFF, "a111"),)),
    Who("manager", ((MANAGER, "a111"),)),
    Who("police", ((POLICE, "a11"),)),
    Who("town", ((TOWN, "a1"),)),
    Who("county", ((COUNTY, "a"),)),
    # Several things at once: what one of them may do where the other sees must not follow.
    Who("worker_living_away", ((WORKER, "a111"),), (Tenancy("a112/2"),)),
    Who("staff_living_away", ((STAFF, "a111"),), (Tenancy("b111/1"),)),
    Who("manager_living_away", ((MANAGER, "a111"),), (Tenancy("a112/2", HomeRole.TENANT, Trust.PHONE),)),
    Who("manager_owning_nearby", ((MANAGER, "a111"),), (Tenancy("a112/1"),)),
    Who("police_new_in_the_beat", ((POLICE, "a11"),), (Tenancy(HERE, lately=True),)),
    Who("police_living_in_the_beat", ((POLICE, "a11"),), (Tenancy("a111/2"),)),
    Who("town_and_staff_elsewhere", ((TOWN, "a1"), (STAFF, "a211"))),
    Who("county_and_manager_abroad", ((COUNTY, "a"), (MANAGER, "b111"))),
    Who("county_living_abroad", ((COUNTY, "a"),), (Tenancy("b111/2", HomeRole.MEMBER),)),
    Who("owner_of_two", homes=(Tenancy(HERE), Tenancy("b111/2", HomeRole.TENANT, Trust.PHONE))),
    # No longer anything.
    Who("revoked_manager", revoked=((MANAGER, "a111"), (COUNTY, "a"))),
    Who("former_owner", ended=(Tenancy(HERE),)),
    Who("disabled", ((COUNTY, "a"),), (Tenancy(HERE),), standing=Standing.DISABLED),
    Who("signed_out", ((COUNTY, "a"),), (Tenancy(HERE),), standing=Standing.SIGNED_OUT),
    Who("expired", ((COUNTY, "a"),), (Tenancy(HERE),), standing=Standing.EXPIRED),
)

FURNITURE = (
    *(Who(f"officer_{area}", ((OFFICER[len(area)], area),)) for area in AREAS),
    *(Who(name, ((WORKER, compound),)) for compound, name in WORKING.items() if name != "worker"),
    *(Who(f"resident_{home}", homes=(Tenancy(home),)) for home in HOMES),
    *(
        Who(f"former_{compound}", revoked=((STAFF, compound),), ended=(Tenancy(f"{compound}/1"),))
        for compound in COMPOUNDS
    ),
)
"""People in every place, so that every place has rows of people."""

EVERYBODY = ACTORS + FURNITURE
BY_NAME = {who.name: who for who in EVERYBODY}
