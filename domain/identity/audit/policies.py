"""Who reads the audit log inside the product: those who answer for a place, of that place. Pure."""

from __future__ import annotations

from sqlalchemy import ColumnElement, literal, not_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from domain.identity.audit.models import AuditEntry
from domain.kernel.actor import Actor, Role, Scope, scope_of

OFFICE = frozenset({Role.PROPERTY_MANAGER})
OPERATORS = frozenset({Role.TOWN_OPERATOR, Role.COUNTY_OPERATOR})
READERS = OFFICE | OPERATORS
"""Managers read of their compound, operators of their area."""
AUTHORITIES = (Role.COMMUNITY_POLICE, Role.TOWN_OPERATOR, Role.COUNTY_OPERATOR)
"""Whose acts are no business of a property office: whom the police look for is not told to it."""


def answers_for(actor: Actor, roles: frozenset[Role]) -> Scope:
    """The areas over which the actor holds one of ``roles``; no homes, nothing of their own."""
    if actor.account_id is None:
        return Scope()
    held = scope_of(tuple(grant for grant in actor.grants if grant.role in roles), (), actor.account_id)
    return Scope(held.counties, held.towns, held.communities, held.compounds)


def told_to_the_office() -> ColumnElement[bool]:
    """SQL: the entry is nobody's act who is above the property office."""
    above: ColumnElement[bool] = AuditEntry.roles.overlap(literal([str(role) for role in AUTHORITIES], ARRAY(Text)))
    return not_(above)
