"""GraphQL types of fee rules, areas, meters and what publishing makes of them."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from api.community.bills import loaders
from api.community.bills.enums import Basis, BillKind, ReadingSource, ReadingState
from api.context import Info
from api.estate.types import Area, Home, area_of, home_of
from api.nodes import Node, global_id
from domain.community.bills.fees.publishing import Missing, Planned
from domain.community.bills.fees.rules import QUANTITY_PLACES, RATE_PLACES, unscaled
from domain.kernel.money import yuan_of
from domain.kernel.uow import AnyRow

SHOWN_MISSING = 100
"""So many homes without a bill are named; the count is of all."""


@strawberry.type(description="A rate up to a quantity; null: all the rest. 阶梯价格。")
class FeeTier:
    """``upTo`` in units of the whole period, ``rate`` in yuan per unit."""

    up_to: str | None
    rate: str


@strawberry.type(description="What the office charges every home. 收费规则。")
class FeeRule(Node):
    """Shares (``lateDaily``, ``lateCap``, ``discount``) are in millionths of the amount."""

    kind: BillKind
    title: str
    basis: Basis
    unit: str
    period_months: int
    starts_on: date
    due_days: int
    late_daily: int
    late_cap: int
    grace_days: int
    discount: int
    discount_days: int
    ended_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="Its rates, yuan per unit. 单价（元）。")
    def tiers(self) -> list[FeeTier]:
        return [
            FeeTier(
                up_to=None if tier["up_to"] is None else unscaled(tier["up_to"], places=QUANTITY_PLACES),
                rate=unscaled(tier["rate"], places=RATE_PLACES),
            )
            for tier in self.row.tiers
        ]

    @strawberry.field(description="The compound it is of. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


@strawberry.type(description="The floor area a home is charged by. 计费面积。")
class FeeArea(Node):
    """One home's area."""

    square_metres: str
    changed_at: datetime
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The home. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.type(description="A home's meter. 表具。")
class Meter(Node):
    """One meter."""

    kind: BillKind
    name: str
    created_at: datetime
    ended_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The home. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.type(description="What a meter stood at. 表具读数。")
class MeterReading(Node):
    """``value`` in the meter's units."""

    read_on: date
    value: str
    source: ReadingSource
    state: ReadingState
    created_at: datetime
    judged_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The meter. 表具。")
    async def meter(self, info: Info) -> Meter | None:
        row = await info.context.loaders.one(loaders.meters, self.row.meter_id)
        return meter(row) if row is not None else None

    @strawberry.field(description="The home. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.type(description="A home that gets no bill of a rule, and why. 无法出账的住户。")
class MissingBill:
    """``code``: NO_AREA, NO_METER or NO_READING."""

    code: str
    missing: strawberry.Private[Missing]

    @strawberry.field(description="The home. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.missing.home_id)

    @strawberry.field(description="The rule. 收费规则。")
    async def rule(self, info: Info) -> FeeRule | None:
        row = await info.context.loaders.one(loaders.fee_rules, self.missing.rule_id)
        return rule(row) if row is not None else None


@strawberry.type(description="What a period comes to, issued or only worked out. 出账结果或预览。")
class PublishedBills:
    """``bills``: new ones; ``known``: issued before; ``missing``: homes without, the first hundred by name."""

    dry_run: bool
    bills: int
    known: int
    amount_yuan: str
    missing_count: int
    missing: list[MissingBill]


def published(planned: Planned, *, dry_run: bool) -> PublishedBills:
    """The GraphQL object of a plan."""
    return PublishedBills(
        dry_run=dry_run,
        bills=len(planned.bills),
        known=planned.known,
        amount_yuan=yuan_of(planned.amount_fen),
        missing_count=len(planned.missing),
        missing=[MissingBill(code=each.code, missing=each) for each in planned.missing[:SHOWN_MISSING]],
    )


def rule(row: AnyRow) -> FeeRule:
    """The GraphQL object of a rule row."""
    names = (
        "title", "unit", "period_months", "starts_on", "due_days", "late_daily", "late_cap", "grace_days", "discount",
        "discount_days", "ended_at",
    )  # fmt: skip
    return FeeRule(
        id=global_id("FeeRule", row.id),
        kind=BillKind(row.kind),
        basis=Basis(row.basis),
        row=row,
        **{name: getattr(row, name) for name in names},
    )


def fee_area(row: AnyRow) -> FeeArea:
    """The GraphQL object of an area row."""
    metres = unscaled(row.square_milli, places=QUANTITY_PLACES)
    return FeeArea(id=global_id("FeeArea", row.id), square_metres=metres, changed_at=row.changed_at, row=row)


def meter(row: AnyRow) -> Meter:
    """The GraphQL object of a meter row."""
    return Meter(
        id=global_id("Meter", row.id),
        kind=BillKind(row.kind),
        name=row.name,
        created_at=row.created_at,
        ended_at=row.ended_at,
        row=row,
    )


def reading(row: AnyRow) -> MeterReading:
    """The GraphQL object of a reading row."""
    return MeterReading(
        id=global_id("MeterReading", row.id),
        read_on=row.read_on,
        value=unscaled(row.value, places=QUANTITY_PLACES),
        source=ReadingSource(row.source),
        state=ReadingState(row.state),
        created_at=row.created_at,
        judged_at=row.judged_at,
        row=row,
    )
