"""GraphQL inputs of bills."""

from __future__ import annotations

from datetime import date

import strawberry

from api.nodes import row_id
from domain.community.bills.fees.rules import QUANTITY_PLACES, RATE_PLACES, Basis, Tier, scaled
from domain.community.bills.fees.service import NewFeeRule
from domain.community.bills.kinds import BillKind
from domain.community.bills.service import NewLine


@strawberry.input(description="A line of a corrected bill, in fen. 更正后的明细（分）。")
class BillLineInput:
    """A rebate is below zero."""

    title: str
    amount_fen: int

    def line(self) -> NewLine:
        """The input in the domain's words."""
        return NewLine(self.title, self.amount_fen)


@strawberry.input(description="A rate up to a quantity. 阶梯价格参数。")
class FeeTierInput:
    """``upTo``: in units of the whole period; ``rate``: yuan per unit, five places at most."""

    up_to: str
    rate: str


@strawberry.input(description="A fee rule to be. 收费规则参数。")
class CreateFeeRuleInput:
    """``rate``: yuan per unit, of the last tier where there are ``tiers`` below it. Shares are in millionths."""

    compound: strawberry.ID
    kind: BillKind
    title: str
    basis: Basis
    unit: str
    rate: str
    starts_on: date
    tiers: list[FeeTierInput] = strawberry.field(default_factory=list)
    period_months: int = 1
    due_days: int = 30
    late_daily: int = 0
    late_cap: int = 0
    grace_days: int = 0
    discount: int = 0
    discount_days: int = 0

    def command(self) -> NewFeeRule:
        """The input in the domain's words. Raises NotFound, InvalidNumber."""
        below = [
            Tier(
                scaled(tier.up_to, places=QUANTITY_PLACES, field="upTo"),
                scaled(tier.rate, places=RATE_PLACES, field="rate"),
            )
            for tier in self.tiers
        ]
        return NewFeeRule(
            compound_id=row_id(self.compound, "Area", field="compound"),
            kind=self.kind,
            title=self.title,
            basis=self.basis,
            unit=self.unit,
            tiers=[*below, Tier(None, scaled(self.rate, places=RATE_PLACES, field="rate"))],
            starts_on=self.starts_on,
            period_months=self.period_months,
            due_days=self.due_days,
            late_daily=self.late_daily,
            late_cap=self.late_cap,
            grace_days=self.grace_days,
            discount=self.discount,
            discount_days=self.discount_days,
        )
