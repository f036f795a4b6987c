"""Who keeps price lists and calendars, who books, who does the work. Pure."""

from __future__ import annotations

from typing import Any

from domain.identity.policies import OFFICE, Place, holds, place_of
from domain.kernel.actor import WORKERS, Actor, ActorKind, Role, Trust


def verified_homes(actor: Actor) -> tuple[int, ...]:
    """The homes of which the property office knows ``actor`` as a resident."""
    return tuple(sorted({home.home_id for home in actor.households if home.trust is Trust.OFFICE}))


def may_employ(actor: Actor, place: Place) -> bool:
    """Whether ``actor`` may add workers, which gives them their role: the property manager."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, {Role.PROPERTY_MANAGER}, place)


def may_keep(actor: Actor, place: Place) -> bool:
    """Whether ``actor`` may keep the compound's providers, prices and calendars: its property office."""
    return actor.kind is ActorKind.SYSTEM or holds(actor, OFFICE, place)


def may_excuse(actor: Actor, worker: Any) -> bool:
    """Whether ``actor`` may enter an absence of ``worker``, a row: the office, and the worker themself."""
    return may_keep(actor, place_of(worker)) or does(actor, worker)


def may_book(actor: Actor, home_id: int, place: Place) -> bool:
    """Whether ``actor`` may book for a home, and cancel: its verified residents, and the office for them."""
    return home_id in verified_homes(actor) or may_keep(actor, place)


def may_rate(actor: Actor, home_id: int) -> bool:
    """Whether ``actor`` may say how it was: the home's verified residents."""
    return home_id in verified_homes(actor)


def does(actor: Actor, row: Any) -> bool:
    """Whether ``row`` is work of ``actor``, who still holds the role there."""
    return row.worker_account_id == actor.account_id and holds(actor, WORKERS, place_of(row))
