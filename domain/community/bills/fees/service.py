"""Commands on fee rules and on the areas homes are charged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.community.bills.due import MILLION
from domain.community.bills.errors import AlreadyEnded
from domain.community.bills.fees.errors import InvalidFeeRule
from domain.community.bills.fees.models import FeeArea, FeeRule
from domain.community.bills.fees.queries import known_rules
from domain.community.bills.fees.rules import QUANTITY_PLACES, Basis, InvalidNumber, Tier, check_tiers, scaled
from domain.community.bills.kinds import BillKind
from domain.community.bills.policies import may_decide_dues, may_keep_books
from domain.community.bills.sight import areas, compound_for, home_for
from domain.identity.policies import place_of
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

CYCLES = (1, 2, 3, 6, 12)
MOST_DAYS = 366
MOST_TIERS = 6


@dataclass(frozen=True, slots=True)
class NewFeeRule:
    """A rule to be; shares are millionths. unit: what the rate is per, as residents read it ("m²·月")."""

    compound_id: int
    kind: BillKind
    title: str
    basis: Basis
    unit: str
    tiers: Sequence[Tier]
    starts_on: date
    period_months: int = 1
    due_days: int = 30
    late_daily: int = 0
    late_cap: int = 0
    grace_days: int = 0
    discount: int = 0
    discount_days: int = 0


def _check(new: NewFeeRule) -> None:
    """Raises InvalidFeeRule, InvalidTiers."""
    check_tiers(new.tiers)
    bounds = {
        "tiers": 1 <= len(new.tiers) <= (MOST_TIERS if new.basis is Basis.METER else 1),
        "rate": all(0 < tier.rate <= 100_000_000 for tier in new.tiers),
        "basis": new.basis is not Basis.METER or new.kind.utility,
        "periodMonths": new.period_months in CYCLES,
        "dueDays": 0 <= new.due_days <= MOST_DAYS,
        "graceDays": 0 <= new.grace_days <= MOST_DAYS,
        "discountDays": 0 <= new.discount_days <= MOST_DAYS,
        "lateDaily": 0 <= new.late_daily <= 10_000,
        "lateCap": 0 <= new.late_cap <= MILLION,
        "discount": 0 <= new.discount <= MILLION // 2,
    }
    for name, good in bounds.items():
        if not good:
            raise InvalidFeeRule(field=name, name=name)


async def create_rule(uow: UnitOfWork, *, new: NewFeeRule) -> int:
    """Charge the homes of a compound by a new rule; returns its id.

    Raises NotFound, Forbidden, InvalidFeeRule, InvalidTiers, InvalidText.
    """
    place = await compound_for(uow, new.compound_id, may_decide_dues)
    _check(new)
    row = place.ids() | {
        "kind": str(new.kind),
        "title": words(new.title, field="title", most=80, least=1),
        "basis": str(new.basis),
        "unit": words(new.unit, field="unit", most=20, least=1),
        "tiers": [{"up_to": tier.up_to, "rate": tier.rate} for tier in new.tiers],
        "period_months": new.period_months,
        "starts_on": new.starts_on,
        "due_days": new.due_days,
        "late_daily": new.late_daily,
        "late_cap": new.late_cap,
        "grace_days": new.grace_days,
        "discount": new.discount,
        "discount_days": new.discount_days,
        "created_at": uow.now,
    }
    rule_id = int((await uow.session.execute(insert(FeeRule).values(row).returning(FeeRule.id))).scalar_one())
    said = {"kind": str(new.kind), "basis": str(new.basis), "rate": new.tiers[0].rate}
    uow.record("fee_rule.created", "FeeRule", rule_id, where=place, details=said)
    return rule_id


async def end_rule(uow: UnitOfWork, *, rule_id: int) -> None:
    """Make no more bills of a rule; those it made stand. Raises NotFound, Forbidden, AlreadyEnded."""
    found = await uow.session.execute(select(FeeRule).where(FeeRule.id == rule_id, known_rules(uow.actor)))
    rule = found.scalar_one_or_none()
    if rule is None:
        raise NotFound(field="id")
    if not may_decide_dues(uow.actor, place_of(rule)):
        raise Forbidden
    ended = update(FeeRule).where(FeeRule.id == rule_id, FeeRule.ended_at.is_(None)).values(ended_at=uow.now)
    if (await uow.session.execute(ended.returning(FeeRule.id))).scalar() is None:
        raise AlreadyEnded
    uow.record("fee_rule.ended", "FeeRule", rule_id, where=rule)


async def set_area(uow: UnitOfWork, *, home_id: int, square_metres: str) -> int:
    """Charge a home by this floor area from now on; returns the row's id. Raises NotFound, Forbidden, InvalidNumber."""
    home = await home_for(uow, home_id, may_keep_books)
    milli = scaled(square_metres, places=QUANTITY_PLACES, field="squareMetres")
    if not 0 < milli <= 100_000_000:
        raise InvalidNumber(field="squareMetres", places=QUANTITY_PLACES)
    row = areas(home) | {"home_id": home_id, "square_milli": milli, "changed_at": uow.now}
    written = upsert(FeeArea).values(row)
    done = await uow.session.execute(
        written.on_conflict_do_update(
            index_elements=["home_id"],
            set_={name: written.excluded[name] for name in ("square_milli", "changed_at")},
        ).returning(FeeArea.id)
    )
    area_id = int(done.scalar_one())
    uow.record("fee_area.set", "FeeArea", area_id, where=home, homes=(home_id,), details={"milli": milli})
    return area_id
