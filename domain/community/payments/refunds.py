"""The office sends money back."""

from __future__ import annotations

from sqlalchemy import select

from domain.community.payments.charges import refund_charge
from domain.community.payments.models import Charge
from domain.community.payments.policies import may_settle, visible
from domain.identity.policies import place_of
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.uow import UnitOfWork


async def refund(uow: UnitOfWork, *, charge_id: int, amount_fen: int, reason: str) -> int:
    """Ask for ``amount_fen`` of a paid charge back, as the compound's manager; the refund's id.

    Raises NotFound, Forbidden, InvalidText, NotRefundable.
    """
    place = (
        await uow.session.execute(
            select(Charge.county_id, Charge.town_id, Charge.community_id, Charge.compound_id).where(
                Charge.id == charge_id, visible(uow.actor, Charge)
            )
        )
    ).first()
    if place is None:
        raise NotFound(field="id")
    if not may_settle(uow.actor, place_of(place)):
        raise Forbidden
    return await refund_charge(uow, charge_id=charge_id, amount_fen=amount_fen, reason=reason)
