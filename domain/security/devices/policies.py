"""Who may register devices and change their credentials. Pure."""

from __future__ import annotations

from domain.identity.policies import Place, holds
from domain.kernel.actor import Actor, ActorKind, Role

KEEPERS = frozenset({Role.PROPERTY_MANAGER, Role.COMMUNITY_POLICE, Role.TOWN_OPERATOR, Role.COUNTY_OPERATOR})


def may_keep(actor: Actor, place: Place) -> bool:
    """Whether ``actor`` may register, rotate and retire devices at ``place``."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, KEEPERS, place)
