"""Who acts, and the rows they may reach.

An ``Actor`` is resolved once per operation. Its ``Scope`` is the single source of both the row filter in queries
(``domain.estate.visibility``) and the row-level security settings of the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """The four levels of the estate, widest first."""

    COUNTY = "county"
    TOWN = "town"
    COMMUNITY = "community"
    COMPOUND = "compound"


class Role(StrEnum):
    """What a grant lets its holder be, over an area. Residents hold no grant: they belong to homes."""

    SERVICE_WORKER = "service_worker"
    PROPERTY_STAFF = "property_staff"
    PROPERTY_MANAGER = "property_manager"
    COMMUNITY_POLICE = "community_police"
    TOWN_OPERATOR = "town_operator"
    COUNTY_OPERATOR = "county_operator"


WORKERS = frozenset({Role.SERVICE_WORKER})
"""Roles that do not open their area's rows: of it they know what every neighbour knows, and the work there is."""


class HomeRole(StrEnum):
    """How a resident belongs to a home."""

    OWNER = "owner"
    TENANT = "tenant"
    MEMBER = "member"


class Trust(StrEnum):
    """How far a resident's belonging to a home is proven."""

    PHONE = "phone"
    OFFICE = "office"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role held over an area."""

    role: Role
    area_id: int
    level: Level


@dataclass(frozen=True, slots=True)
class Household:
    """One home the actor belongs to, and since when: who came back after leaving belongs to it from then on."""

    home_id: int
    compound_id: int
    role: HomeRole
    trust: Trust
    since: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows a transaction may see: whole areas named by their level, single homes, one account.

    Wide scopes are named by their level (one county id), never by listing compounds. ``neighbourhoods`` are the
    compounds somebody lives in, ``workplaces`` those they work in: of these only what every neighbour knows (the
    compound and its buildings), and of workplaces the work that is offered there. ``moved_in``: for homes that
    somebody belongs to, since when; what happened there before is not theirs to see. Homes without an instant are
    seen from their beginning. Row-level security knows the homes only.
    """

    counties: tuple[int, ...] = ()
    towns: tuple[int, ...] = ()
    communities: tuple[int, ...] = ()
    compounds: tuple[int, ...] = ()
    homes: tuple[int, ...] = ()
    neighbourhoods: tuple[int, ...] = ()
    workplaces: tuple[int, ...] = ()
    account: int | None = None
    moved_in: tuple[tuple[int, datetime], ...] = ()

    def since(self, home_id: int) -> datetime | None:
        """Since when ``home_id``, one of ``homes``, is seen; None: from its beginning."""
        return next((since for home, since in self.moved_in if home == home_id), None)

    def only_homes(self, ids: Iterable[int]) -> Scope:
        """The part of this scope that are the homes ``ids``."""
        kept = frozenset(ids).intersection(self.homes)
        return Scope(homes=tuple(sorted(kept)), moved_in=tuple(each for each in self.moved_in if each[0] in kept))

    def settings(self) -> str:
        """``SET LOCAL`` statements for this scope.

        ``SET`` takes no parameters, so the text is rendered here, from integers only.
        """
        parts = [
            f"SET LOCAL app.{name} = '{','.join(str(int(i)) for i in ids)}'"
            for name, ids in (
                ("counties", self.counties),
                ("towns", self.towns),
                ("communities", self.communities),
                ("compounds", self.compounds),
                ("homes", self.homes),
                ("neighbourhoods", self.neighbourhoods),
                ("workplaces", self.workplaces),
                ("account", () if self.account is None else (self.account,)),
            )
            if ids
        ]
        return "; ".join(parts)


NOTHING = Scope()


class ActorKind(StrEnum):
    """What stands behind a request."""

    ACCOUNT = "account"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. ``session_id`` names the sign-in, so that ending it ends the actor's open sockets too.

    lacks_second_factor: the account holds more than ``grants`` and ``households`` tell, which takes effect once it has
    a second factor.
    """

    kind: ActorKind
    account_id: int | None = None
    session_id: int | None = None
    grants: tuple[Grant, ...] = ()
    households: tuple[Household, ...] = ()
    scope: Scope = field(default=NOTHING)
    lacks_second_factor: bool = False

    @property
    def roles(self) -> frozenset[str]:
        """Role names for the policy table: grant roles, "resident" when in a household, or "anonymous"/"system"."""
        if self.kind is not ActorKind.ACCOUNT:
            return frozenset({str(self.kind)})
        names = {str(g.role) for g in self.grants}
        if self.households:
            names.add("resident")
        return frozenset(names or {"guest"})


ANONYMOUS = Actor(kind=ActorKind.ANONYMOUS)


def system_actor(scope: Scope) -> Actor:
    """An actor for jobs and ingest, limited to ``scope`` like everybody else."""
    return Actor(kind=ActorKind.SYSTEM, scope=scope)


def scope_of(grants: tuple[Grant, ...], households: tuple[Household, ...], account_id: int) -> Scope:
    """The rows an account may see through its grants and homes, and its own account rows."""

    def areas(level: Level) -> tuple[int, ...]:
        return tuple(sorted({g.area_id for g in grants if g.level is level and g.role not in WORKERS}))

    return Scope(
        counties=areas(Level.COUNTY),
        towns=areas(Level.TOWN),
        communities=areas(Level.COMMUNITY),
        compounds=areas(Level.COMPOUND),
        homes=tuple(sorted({h.home_id for h in households})),
        neighbourhoods=tuple(sorted({h.compound_id for h in households})),
        workplaces=tuple(sorted({g.area_id for g in grants if g.role in WORKERS})),
        account=account_id,
        moved_in=tuple(sorted((h.home_id, h.since) for h in households)),
    )
