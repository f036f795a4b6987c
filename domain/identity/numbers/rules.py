"""Pure rules of moving a number: what proves who somebody is, and whose word is enough."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from domain.identity.policies import GRANTS, KEEPERS, LEVEL_OF, Place, Standing
from domain.kernel.actor import Role

MOVE_LIFE = timedelta(hours=24)
"""How long others who must vouch have to do so, and the person to confirm."""


class Proof(StrEnum):
    """What was shown in person to prove who somebody is. Which kind is kept, never a number."""

    ID_CARD = "id_card"
    RESIDENCE_PERMIT = "residence_permit"
    PASSPORT = "passport"
    HOUSEHOLD_REGISTER = "household_register"


def vouched(person: Standing, vouchers: Collection[Standing]) -> bool:
    """Whether the word of ``vouchers`` is enough to move the person's number: for each role one of them might grant it
    there, and each home stands where one of them is a keeper. Who is nothing anywhere is vouched for by nobody.

    Whoever holds the new number gets everything the account opens; so a keeper who brings a stranger into their own
    compound cannot take over what the stranger is elsewhere.
    """
    held = [(role, place) for voucher in vouchers for role, place in voucher.roles if role in KEEPERS]

    def over(place: Place, given: Role | None = None) -> bool:
        return any(
            place.at(LEVEL_OF[role]) == mine.at(LEVEL_OF[role]) and (given is None or given in GRANTS[role])
            for role, mine in held
        )

    anything = bool(person.roles or person.homes)
    return anything and all(over(place, role) for role, place in person.roles) and all(map(over, person.homes))
