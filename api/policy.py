"""The words of the policy table: sets of roles, and how far a rule reaches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.kernel.actor import Role

RESIDENT = "resident"
GUEST = "guest"
ANONYMOUS = "anonymous"

OFFICE = frozenset({Role.PROPERTY_STAFF.value, Role.PROPERTY_MANAGER.value})
WORKERS = frozenset({Role.SERVICE_WORKER.value})
POLICE = frozenset({Role.COMMUNITY_POLICE.value})
OPERATORS = frozenset({Role.TOWN_OPERATOR.value, Role.COUNTY_OPERATOR.value})
STAFF = OFFICE | POLICE | OPERATORS
SIGNED_IN = STAFF | WORKERS | {RESIDENT, GUEST}
EVERYBODY = SIGNED_IN | {ANONYMOUS}
NOBODY: frozenset[str] = frozenset()


class Reach(StrEnum):
    """Which rows stand behind a gate.

    ANY: no rows of anybody. SELF: rows of the caller's own account or home. SCOPE: rows in the caller's areas and
    homes; all others answer like rows that do not exist.
    """

    ANY = "any"
    SELF = "self"
    SCOPE = "scope"


class Tie(StrEnum):
    """How a resident must belong to a row's place. Each tie holds only what it says: nobody is told of a neighbour's.

    COMPOUND: live in the compound; what every neighbour knows. HOME: belong to the row's home. VERIFIED: belong to it
    and be verified by the property office.
    """

    NONE = "none"
    COMPOUND = "compound"
    HOME = "home"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who passes a gate, and how far they then reach. Object policies in the domain may narrow it further.

    The matrix of ``tests/api/matrix`` is made of these rows: every role meets rows of every place, and must get just
    those that the rule says.

    over: of the roles held over an area, those that reach its rows, where they hold them; when None all of ``roles``
        but those of workers, which open no rows by themselves.
    resident: how residents reach rows; by their home when None, where they pass the gate at all.
    own: everybody who passes reaches rows of their own account.
    told: roles (and residents) that reach an alert only if its audience names them, and an entry of the audit log only
    if it is no act of somebody above them.
    through: node types whose open rows lead to the row: an account is seen where it lives and where it serves.
    keepers: of those places, the row is reached through these that one of these roles is held over; when None through
        all.
    others: for sensitive leaves, the roles that see other people's too, where they hold the role.
    """

    roles: frozenset[str]
    reach: Reach = Reach.SCOPE
    others: frozenset[str] = frozenset()
    over: frozenset[str] | None = None
    resident: Tie | None = None
    own: bool = False
    told: frozenset[str] = frozenset()
    through: tuple[str, ...] = ()
    keepers: frozenset[str] | None = None
