"""Who sees a repair and who may do what to it. Pure; the SQL and the Python form of seeing are tested to agree.

The home sees its own, the property office those of its compound. A worker sees what is theirs; of what is still open
they are told what, where about and when, as an offer, and not whose it is.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from domain.community.repairs.models import RepairRequest
from domain.community.repairs.rules import RepairState
from domain.estate.visibility import in_scope, scope_as, visible_to
from domain.identity.policies import OFFICE, Place, holds, place_of
from domain.kernel.actor import WORKERS, Actor, ActorKind, Scope, Trust


def _theirs(actor: Actor, table: Any) -> ColumnElement[bool]:
    """SQL: the row is work of the actor, where they still work."""
    return and_(table.worker_account_id == actor.account_id, _where_they_work(actor, table))


def _where_they_work(actor: Actor, table: Any) -> ColumnElement[bool]:
    return in_scope(Scope(compounds=actor.scope.workplaces), table)


def visible(actor: Actor, table: Any = RepairRequest) -> ColumnElement[bool]:
    """SQL: ``actor`` sees the repair, or what carries its home and worker; see the module."""
    if actor.kind is ActorKind.SYSTEM:
        return visible_to(actor, table)
    return or_(in_scope(scope_as(actor, OFFICE), table), _theirs(actor, table))


def offered(actor: Actor) -> ColumnElement[bool]:
    """SQL: the repair is open and in a compound where ``actor`` works."""
    return and_(RepairRequest.state == str(RepairState.OPEN), _where_they_work(actor, RepairRequest))


def known(actor: Actor, table: Any) -> ColumnElement[bool]:
    """SQL: ``actor`` knows what this worker can do: the office of the compound, and the worker."""
    return or_(in_scope(_areas(actor), table), _theirs(actor, table))


def _areas(actor: Actor) -> Scope:
    office = scope_as(actor, OFFICE)
    return Scope(compounds=office.compounds)


def lives_there(actor: Actor, home_id: int) -> bool:
    """Whether ``actor`` is an office-verified resident of the home: who answers quotations and rates."""
    return any(h.home_id == home_id and h.trust is Trust.OFFICE for h in actor.households)


def may_manage(actor: Actor, place: Place) -> bool:
    """Whether ``actor`` may assign, reject and follow up repairs of the compound: its property office."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, OFFICE, place)


def may_ask(actor: Actor, home_id: int, place: Place) -> bool:
    """Whether ``actor`` may ask for a repair of the home, and call it off: its verified residents, and the office."""
    return lives_there(actor, home_id) or may_manage(actor, place)


def does(actor: Actor, repair: Any) -> bool:
    """Whether the repair is work of ``actor``, who still works there."""
    return repair.worker_account_id == actor.account_id and holds(actor, WORKERS, place_of(repair))
