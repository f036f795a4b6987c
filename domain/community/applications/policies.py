"""Who sees applications, and whose numbers somebody may ask for. Pure; SQL and Python forms say the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement

from domain.estate.visibility import at_home, covers, in_scope, scope_as, visible_to
from domain.identity.policies import OFFICE
from domain.kernel.actor import Actor, ActorKind, Role, Scope

COUNTS = OFFICE | {Role.TOWN_OPERATOR, Role.COUNTY_OPERATOR}
"""Who is told how many applications there are and how long they take: numbers, no homes."""


def visible(actor: Actor, table: Any) -> ColumnElement[bool]:
    """SQL: ``actor`` sees the application: of their own homes, and where they are the property office."""
    if actor.kind is ActorKind.SYSTEM:
        return visible_to(actor, table)
    return in_scope(scope_as(actor, OFFICE), table)


def shows(actor: Actor, item: Any) -> bool:
    """Whether ``item``, anything with its area ids, ``home_id`` and ``over_at``, is seen: ``visible`` without SQL."""
    return covers(scope_as(actor, OFFICE), item) or at_home(actor.scope, item.home_id, item.over_at)


def counting_scope(actor: Actor) -> Scope:
    """The areas whose applications ``actor`` may count; living somewhere is not enough."""
    return replace(scope_as(actor, COUNTS), homes=(), neighbourhoods=())
