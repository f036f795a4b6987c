"""Enums of bills, named for the schema before any type refers to them."""

from __future__ import annotations

import strawberry

from domain.community.bills.fees.rules import Basis
from domain.community.bills.kinds import BillKind, BillSource
from domain.community.bills.meters.rules import ReadingSource, ReadingState
from domain.community.bills.queries import BillStatus

strawberry.enum(BillKind, description="What a bill is for. 账单类别：水、电、燃气、物业费。")
strawberry.enum(BillSource, description="Where a bill comes from. 账单来源。")
strawberry.enum(
    BillStatus,
    description="Open, being paid, paid, settled, replaced, written off or withdrawn. 账单状态。",
)
strawberry.enum(Basis, name="FeeBasis", description="By floor area, by home, or by meter. 计费方式：面积、户、表具。")
strawberry.enum(ReadingSource, description="A person, the meter itself, or the supplier. 读数来源。")
strawberry.enum(ReadingState, description="Accepted, to be confirmed, or rejected. 读数状态。")

__all__ = ["Basis", "BillKind", "BillSource", "BillStatus", "ReadingSource", "ReadingState"]
