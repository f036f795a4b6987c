"""Who may do what with bills. Pure."""

from __future__ import annotations

from domain.identity.policies import OFFICE, Place, holds
from domain.kernel.actor import Actor, ActorKind, Role


def may_keep_books(actor: Actor, place: Place) -> bool:
    """Whether ``actor`` may keep a compound's accounts, meters, areas and files of bills: its office."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, OFFICE, place)


def may_decide_dues(actor: Actor, place: Place) -> bool:
    """Whether ``actor`` may decide what homes owe: rules, publishing, corrections, write-offs, deposits: a manager."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, {Role.PROPERTY_MANAGER}, place)
