"""The words of the policy table: sets of roles, and how far a rule reaches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.kernel.actor import Role

RESIDENT = "resident"
GUEST = "guest"
ANONYMOUS = "anonymous"

OFFICE = frozenset({Role.PROPERTY_STAFF.value, Role.PROPERTY_MANAGER.value})
POLICE = frozenset({Role.COMMUNITY_POLICE.value})
OPERATORS = frozenset({Role.TOWN_OPERATOR.value, Role.COUNTY_OPERATOR.value})
STAFF = OFFICE | POLICE | OPERATORS
SIGNED_IN = STAFF | {RESIDENT, GUEST}
EVERYBODY = SIGNED_IN | {ANONYMOUS}


class Reach(StrEnum):
    """Which rows stand behind a gate.

    ANY: no rows of anybody. SELF: rows of the caller's own account. SCOPE: rows in the caller's areas and homes; all
    others answer like rows that do not exist.
    """

    ANY = "any"
    SELF = "self"
    SCOPE = "scope"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who passes a gate, and how far they then reach. Object policies in the domain may narrow it further.

    others: for sensitive leaves of SELF reach, the roles that see other people's too, where they hold the role.
    """

    roles: frozenset[str]
    reach: Reach = Reach.SCOPE
    others: frozenset[str] = frozenset()
