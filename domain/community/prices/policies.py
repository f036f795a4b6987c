"""Who may enter a market's prices, and who may wait for one of them. Pure."""

from __future__ import annotations

from domain.identity.policies import OFFICE, Place, holds
from domain.kernel.actor import Actor, ActorKind


def may_enter(actor: Actor, place: Place) -> bool:
    """Whether ``actor`` may enter and withdraw prices of the compound's own market: its office."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, OFFICE, place)


def may_wait(actor: Actor, compound_id: int | None) -> bool:
    """Whether ``actor`` may be told of the market's prices: a resident, of their own compound's or a public one's."""
    lived_in = {household.compound_id for household in actor.households}
    return bool(lived_in) and (compound_id is None or compound_id in lived_in)
