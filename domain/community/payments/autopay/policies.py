"""Who sees a home's auto-pay, and who may do what about it: its verified residents alone. Pure.

Whoever of the home may stop it; what it may take is up to whose money it is.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement

from domain.community.payments.autopay.models import Autopay
from domain.estate.visibility import in_scope, scope_as, visible_to
from domain.kernel.actor import Actor, ActorKind


def visible(actor: Actor, table: Any) -> ColumnElement[bool]:
    """SQL: ``actor`` sees the auto-pay, or what it will take: a verified resident of the home."""
    if actor.kind is ActorKind.SYSTEM:
        return visible_to(actor, table)
    return in_scope(scope_as(actor, (), verified=True), table)


def may_raise(actor: Actor, autopay: Autopay) -> bool:
    """Whether ``actor`` may change what it takes, and have it go on: whoever signed it."""
    return actor.account_id == autopay.account_id
