"""What homes of the demo owe: the property fees of this month and the last, by floor area."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from domain.community.bills.due import DueTerms
from domain.community.bills.fees.rules import UNIT, Basis, Tier, lines_of, total
from domain.community.bills.issuing import NewBill
from domain.community.bills.kinds import BillKind
from domain.community.bills.periods import Period, first_of

RATE: Final = 220 * UNIT  # 2.20 yuan per square metre and month
SQUARE_METRES: Final = (68, 89, 89, 104, 126)
DUE_DAYS: Final = 25


def bills(home_id: int, number: int, today: date) -> list[NewBill]:
    """The bills of one home; ``number`` counts the homes that are lived in. None of them is late."""
    return [_bill(home_id, number, Period(first_of(today, months)), today) for months in (-1, 0)]


def _bill(home_id: int, number: int, period: Period, today: date) -> NewBill:
    title, area = f"{period.start.month}月物业费", SQUARE_METRES[number % len(SQUARE_METRES)] * UNIT
    lines = lines_of(title, Basis.AREA, area, unit="m²", tiers=[Tier(None, RATE)], months=1)
    return NewBill(
        home_id=home_id,
        kind=BillKind.PROPERTY,
        source_key=f"demo:{home_id}:{period.name}",
        title=title,
        period_from=period.start,
        period_to=period.end,
        amount_fen=total(lines),
        terms=DueTerms(today + timedelta(days=DUE_DAYS)),
        lines=[line.stored() for line in lines],
    )
