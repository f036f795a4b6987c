"""Who may keep e-bikes and who may guard them. Pure."""

from __future__ import annotations

from domain.identity.policies import OFFICE, Place, holds
from domain.kernel.actor import Actor, ActorKind, Trust


def lives_there(actor: Actor, home_id: int) -> bool:
    """Whether ``actor`` is an office-verified resident of the home."""
    return any(h.home_id == home_id and h.trust is Trust.OFFICE for h in actor.households)


def may_keep(actor: Actor, home_id: int, place: Place) -> bool:
    """Whether ``actor`` may register a home's e-bikes and their tags: its verified residents, and the office."""
    return actor.kind is ActorKind.SYSTEM or lives_there(actor, home_id) or holds(actor, OFFICE, place)


def may_guard(actor: Actor, home_id: int) -> bool:
    """Whether ``actor`` may arm and disarm a home's e-bikes: its verified residents only, never staff."""
    return lives_there(actor, home_id)
