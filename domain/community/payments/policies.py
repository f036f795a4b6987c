"""Who sees what a home owes and paid, and who may do what about it. Pure."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from domain.community.payments.models import Charge
from domain.community.payments.reconciliation.models import ReconciliationItem
from domain.estate.visibility import in_scope, owned, scope_as, visible_to
from domain.identity.policies import OFFICE, Place, holds
from domain.kernel.actor import Actor, ActorKind, Role, Scope, Trust

MANAGERS = frozenset({Role.PROPERTY_MANAGER})


def payments_scope(actor: Actor) -> Scope:
    """Where ``actor`` sees what is owed and paid: their compounds as office, and homes the office verified them in."""
    return actor.scope if actor.kind is ActorKind.SYSTEM else scope_as(actor, OFFICE, verified=True)


def visible(actor: Actor, table: Any) -> ColumnElement[bool]:
    """SQL: ``actor`` sees the charge, order, refund, receipt or request; owners all that was charged for bills."""
    if actor.kind is ActorKind.SYSTEM:
        return visible_to(actor, table)
    seen = in_scope(payments_scope(actor), table)
    if table is not Charge:
        return seen
    return or_(seen, and_(in_scope(owned(actor), Charge), Charge.subject == "bill"))


def items_visible(actor: Actor) -> ColumnElement[bool]:
    """SQL: ``actor`` sees the difference in the accounts: a manager of its compound."""
    system = actor.kind is ActorKind.SYSTEM
    return visible_to(actor, ReconciliationItem) if system else in_scope(scope_as(actor, MANAGERS), ReconciliationItem)


def may_pay(actor: Actor, home_id: int) -> bool:
    """Whether ``actor`` may pay for the home, and ask for its invoices: its verified residents."""
    return any(mine.home_id == home_id and mine.trust is Trust.OFFICE for mine in actor.households)


def may_settle(actor: Actor, place: Place) -> bool:
    """Whether ``actor`` may refund, and deal with invoices and differences: the compound's managers."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, MANAGERS, place)
