"""Who may do what to whose standing: roles over areas, and residents of homes. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from domain.kernel.actor import WORKERS, Actor, ActorKind, Grant, HomeRole, Household, Level, Role, Trust

OFFICE = frozenset({Role.PROPERTY_STAFF, Role.PROPERTY_MANAGER})

SEES_RESIDENTS = OFFICE | {Role.COMMUNITY_POLICE}
"""Who is shown the residents of the homes in their area; residents see those of their own homes."""

LEVEL_OF = {
    Role.SERVICE_WORKER: Level.COMPOUND,
    Role.PROPERTY_STAFF: Level.COMPOUND,
    Role.PROPERTY_MANAGER: Level.COMPOUND,
    Role.COMMUNITY_POLICE: Level.COMMUNITY,
    Role.TOWN_OPERATOR: Level.TOWN,
    Role.COUNTY_OPERATOR: Level.COUNTY,
}
"""The level of area each role is held over."""

_BY_MANAGER = frozenset({Role.PROPERTY_STAFF, Role.SERVICE_WORKER})
_BY_TOWN = _BY_MANAGER | {Role.COMMUNITY_POLICE, Role.PROPERTY_MANAGER}
GRANTS = {
    Role.COUNTY_OPERATOR: _BY_TOWN | {Role.TOWN_OPERATOR},
    Role.TOWN_OPERATOR: _BY_TOWN,
    Role.PROPERTY_MANAGER: _BY_MANAGER,
}
"""What a role may grant and revoke inside its own area. Nobody grants their equal: a county's operators are made
on the command line (``zhian people operator``)."""

KEEPERS = frozenset(GRANTS)
"""Who looks after other people's ways in, where they see them: ends their sign-ins, moves a lost number."""

NEEDS_SECOND_FACTOR = frozenset(Role) - WORKERS
"""Roles that open other people's rows, and so are not in effect on a code by text message alone. Service workers see
the work that is offered and their own, and no more of anybody than who asks them to come."""


class SecondFactor(StrEnum):
    """Of whom an authenticator is asked before what they are takes effect. REQUIRED: roles over other people's rows;
    EVERYBODY: all roles, and residents too."""

    OPTIONAL = "optional"
    REQUIRED = "required"
    EVERYBODY = "everybody"


INVITES = {
    HomeRole.OWNER: frozenset({HomeRole.TENANT, HomeRole.MEMBER}),
    HomeRole.TENANT: frozenset({HomeRole.MEMBER}),
}
"""Whom an office-verified resident may invite into their own home, and remove from it. The office adds owners."""


@dataclass(frozen=True, slots=True)
class Place:
    """An area with its ancestors; deeper levels are None."""

    county_id: int
    town_id: int | None = None
    community_id: int | None = None
    compound_id: int | None = None

    def at(self, level: Level) -> int | None:
        """The id of the place's area of ``level``."""
        found: int | None = getattr(self, f"{level}_id")
        return found


def place_of(row: Any) -> Place:
    """The place of anything that carries the four area columns."""
    return Place(row.county_id, row.town_id, row.community_id, row.compound_id)


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything somebody is, in sight of who asks or not: roles with their places, and the places of their homes."""

    roles: tuple[tuple[Role, Place], ...]
    homes: tuple[Place, ...]


def holds(actor: Actor, roles: Collection[str], place: Place) -> bool:
    """Whether ``actor`` holds one of ``roles`` over an area that contains ``place``."""
    return any(grant.role in roles and grant.area_id == place.at(grant.level) for grant in actor.grants)


def in_effect(
    asked: SecondFactor, grants: tuple[Grant, ...], homes: tuple[Household, ...]
) -> tuple[tuple[Grant, ...], tuple[Household, ...]]:
    """What is left of roles and homes for somebody without a second factor, where so much of it is asked for."""
    if asked is SecondFactor.EVERYBODY:
        return (), ()
    if asked is SecondFactor.REQUIRED:
        return tuple(grant for grant in grants if grant.role not in NEEDS_SECOND_FACTOR), homes
    return grants, homes


def may_grant(actor: Actor, role: Role, place: Place) -> bool:
    """Whether ``actor`` may grant or revoke ``role`` over ``place``: below their own role, inside their own area."""
    if actor.kind is ActorKind.SYSTEM:
        return True
    return holds(actor, {giver for giver, given in GRANTS.items() if role in given}, place)


def may_verify(actor: Actor, place: Place) -> bool:
    """Whether ``actor`` speaks for the property office of the compound."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, OFFICE, place)


def may_change_home(actor: Actor, home_id: int, role: HomeRole, place: Place) -> bool:
    """Whether ``actor`` may bring somebody as ``role`` into the home, or remove them: the office, or an office-verified
    resident of that home whose own role allows it."""
    if may_verify(actor, place):
        return True
    return any(
        mine.home_id == home_id and mine.trust is Trust.OFFICE and role in INVITES.get(mine.role, frozenset())
        for mine in actor.households
    )


def may_end_sessions(actor: Actor, ways: Collection[Place], roles: Collection[Role]) -> bool:
    """Whether ``actor`` may end the sign-ins of somebody seen through ``ways`` who holds ``roles``, anywhere: they keep
    one of these places, in a role that stands above each of those."""
    return any(
        GRANTS.get(grant.role, frozenset()) >= set(roles) and any(grant.area_id == way.at(grant.level) for way in ways)
        for grant in actor.grants
        if grant.role in KEEPERS
    )


def may_issue_enrolment_code(actor: Actor, standing: Standing) -> bool:
    """Whether ``actor`` may let somebody of this standing put an authenticator to use: they could grant each role that
    waits for it, where it is held. What opens without one, homes and a worker's role, it does not protect."""
    waiting = [(role, place) for role, place in standing.roles if role in NEEDS_SECOND_FACTOR]
    return bool(waiting) and all(may_grant(actor, role, place) for role, place in waiting)


def may_reset_authenticator(actor: Actor, standing: Standing) -> bool:
    """Whether ``actor`` may take the authenticator of somebody of this standing away: they could grant each of the
    roles where it is held, and keep the place of each home.

    It protects everything the account opens; so a keeper who brings a stranger into their own compound cannot make it
    easier to become them elsewhere.
    """
    return (
        bool(standing.roles or standing.homes)
        and all(may_grant(actor, role, place) for role, place in standing.roles)
        and all(holds(actor, KEEPERS, home) for home in standing.homes)
    )
