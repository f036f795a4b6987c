"""A compound's bills as rows of a sheet, for its office."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select

from domain.community.bills.models import Bill
from domain.community.bills.periods import Period
from domain.community.bills.policies import may_keep_books
from domain.community.bills.queries import BillFilter, narrowed, sums
from domain.community.bills.sight import visible
from domain.community.payments.models import Charge
from domain.estate.models import Building, Home
from domain.estate.queries import CompoundPlace, compound_place
from domain.identity.policies import place_of
from domain.kernel.actor import Actor
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.money import yuan_of
from domain.kernel.uow import Reader

BATCH: Final = 2_000
COLUMNS: Final = (
    "编号", "楼栋", "单元", "门牌", "类别", "名称", "账期起", "账期止", "金额", "滞纳金", "优惠", "预存抵扣", "应缴",
    "未缴", "截止日", "状态", "来源", "支付时间",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One bill; cells in the order of ``COLUMNS``."""

    id: int
    cells: tuple[Any, ...]


async def export_place(reader: Reader, actor: Actor, compound_id: int) -> CompoundPlace:
    """Where the compound stands, for its office. Raises NotFound, Forbidden."""
    place = await compound_place(reader, compound_id)
    if place is None:
        raise NotFound(field="compound")
    if not may_keep_books(actor, place_of(place)):
        raise Forbidden
    return place


async def export_rows(
    reader: Reader, actor: Actor, compound_id: int, period: Period | None, *, after: int
) -> Sequence[ExportRow]:
    """The next bills behind the id ``after``, in order of id; fewer than ``BATCH`` at the end."""
    query = (
        select(
            Bill.id, Building.name.label("building"), Home.unit, Home.door, Bill.kind, Bill.title, Bill.period_from,
            Bill.period_to, Bill.amount_fen, Bill.late_fee_fen, Bill.discount_fen, Bill.prepaid_fen, Bill.deadline,
            *sums(), Bill.source, Charge.paid_at,
        )
        .join(Home, Home.id == Bill.home_id)
        .join(Building, Building.id == Home.building_id)
        .join(Charge, Charge.id == Bill.charge_id, isouter=True)
        .where(Bill.id > after, visible(actor, Bill))
    )  # fmt: skip
    wanted = narrowed(query, BillFilter(compound_id=compound_id, period=period))
    return [
        ExportRow(
            row.id,
            (
                row.id, row.building, row.unit, row.door, row.kind, row.title, row.period_from.isoformat(),
                row.period_to.isoformat(), yuan_of(row.amount_fen), yuan_of(row.late_fee_fen),
                yuan_of(row.discount_fen), yuan_of(row.prepaid_fen), yuan_of(row.total_fen), yuan_of(row.payable_fen),
                row.deadline.isoformat(), row.status, row.source,
                "" if row.paid_at is None else row.paid_at.isoformat(timespec="seconds"),
            ),
        )
        for row in await reader.rows(wanted.order_by(Bill.id).limit(BATCH))
    ]  # fmt: skip
