"""Who sees an alert and who may do what to it. Pure; the SQL and the Python form of seeing are tested to agree.

Police and operators oversee their area: they see every alert of it. The property office sees what its compound's staff
is told, residents what is told to their own home, if it was not over before they came: what still goes on when
somebody moves in (a gas leak) is theirs to know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from domain.estate.visibility import at_home, covers, in_scope, scope_as
from domain.identity.policies import OFFICE, holds, place_of
from domain.kernel.actor import NOTHING, Actor, ActorKind, Role, Scope, Trust
from domain.security.alerts.models import Alert, Severity
from domain.security.alerts.rules import HOME, STAFF

OVERSIGHT = frozenset({Role.COMMUNITY_POLICE, Role.TOWN_OPERATOR, Role.COUNTY_OPERATOR})
RESPONSIBLE = OFFICE | OVERSIGHT


@dataclass(frozen=True, slots=True)
class Sight:
    """What an actor sees of alerts: everything in ``oversight``, staff's alerts in ``office``, their ``homes``'."""

    oversight: Scope
    office: Scope
    homes: Scope


def _areas(scope: Scope) -> Scope:
    return replace(scope, homes=(), neighbourhoods=(), workplaces=(), account=None)


def sight_of(actor: Actor) -> Sight:
    """The alerts ``actor`` sees."""
    if actor.kind is ActorKind.SYSTEM:
        return Sight(_areas(actor.scope), NOTHING, NOTHING)
    return Sight(
        oversight=_areas(scope_as(actor, OVERSIGHT)),
        office=_areas(scope_as(actor, OFFICE)),
        homes=actor.scope.only_homes(actor.scope.homes),
    )


def visible(sight: Sight) -> ColumnElement[bool]:
    """SQL: the alert is seen with ``sight``."""
    audience: Any = Alert.audience
    return or_(
        in_scope(sight.oversight, Alert),
        and_(in_scope(sight.office, Alert), audience.contains([STAFF])),
        and_(in_scope(sight.homes, Alert), audience.contains([HOME])),
    )


def shows(sight: Sight, alert: Any) -> bool:
    """Whether ``alert``, anything with its area ids, ``home_id``, ``audience`` and ``over_at``, is seen:
    ``visible`` without SQL. A change of an alert was over when it happened."""
    if covers(sight.oversight, alert):
        return True
    if covers(sight.office, alert) and STAFF in alert.audience:
        return True
    return HOME in alert.audience and at_home(sight.homes, alert.home_id, alert.over_at)


def may_resolve(actor: Actor, alert: Any) -> bool:
    """Whether ``actor``, who sees the alert, may clear it.

    Those responsible for the place may; an office-verified resident may for their own home, unless it is critical: a
    fire is not over because somebody at home says so.
    """
    if actor.kind is ActorKind.SYSTEM or holds(actor, RESPONSIBLE, place_of(alert)):
        return True
    own = any(h.home_id == alert.home_id and h.trust is Trust.OFFICE for h in actor.households)
    return own and HOME in alert.audience and alert.severity < Severity.CRITICAL.rank


def may_assign(actor: Actor, alert: Any) -> bool:
    """Whether ``actor``, who sees the alert, may say who deals with it."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, RESPONSIBLE, place_of(alert))
