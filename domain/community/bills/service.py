"""Commands on bills that stand: corrected, written off, brought up to the day. A paid bill is never edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Date, cast, func, insert, literal, select, update

from domain.community.bills.due import DueTerms, due
from domain.community.bills.errors import BillClosed, BillPaid, BillRefunded, InvalidLines, NothingToCorrect
from domain.community.bills.issuing import NewBill, issue
from domain.community.bills.kinds import BillKind, BillSource, BillState
from domain.community.bills.models import Bill
from domain.community.bills.policies import may_decide_dues
from domain.community.bills.sight import areas, locked
from domain.community.payments.charges import MOST_FEN, Subject, change_charge, void_charge
from domain.community.payments.models import Charge
from domain.community.payments.prepaid.service import Back, give_back
from domain.estate.models import Area
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MOST_LINES = 50
TO_PAY = timedelta(days=15)
"""At least so long is there to pay what a correction adds."""


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line of a corrected bill, in fen; a rebate is below zero."""

    title: str
    amount_fen: int

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {"title": words(self.title, field="title", most=80, least=1), "amount_fen": self.amount_fen}


def local_day(now: datetime, timezone: str) -> date:
    """The day in the compound's zone."""
    return now.astimezone(ZoneInfo(timezone)).date()


def terms_of(bill: Bill) -> DueTerms:
    """The terms a bill was issued under."""
    return DueTerms(bill.deadline, bill.late_daily, bill.late_cap, bill.grace_days, bill.discount, bill.discount_until)


async def correct_bill(uow: UnitOfWork, *, bill_id: int, lines: Sequence[NewLine], reason: str) -> int:
    """Put a corrected bill in the place of an unpaid one; of a paid one bill the difference, or credit it to the home's
    prepaid balance. Returns the correcting bill's id.

    Raises NotFound, Forbidden, InvalidLines, InvalidText, NothingToCorrect, BillClosed, BillRefunded, ChargeFrozen
    (being paid).
    """
    bill = await locked(uow, Bill, bill_id, may_decide_dues)
    why = words(reason, field="reason", most=200, least=1)
    amount = sum(line.amount_fen for line in lines)
    if not (0 < len(lines) <= MOST_LINES and 0 < amount <= MOST_FEN):
        raise InvalidLines(field="lines", most=MOST_LINES)
    await _check_open(uow, bill)
    stored = [line.stored() for line in lines]
    paid = await _is_paid(uow, bill)
    if amount == bill.amount_fen:
        raise NothingToCorrect(field="lines")
    today = local_day(uow.now, await _zone(uow, bill.compound_id))
    new = NewBill(
        bill.home_id, BillKind(bill.kind), str(bill_id), bill.title, bill.period_from, bill.period_to, amount,
        terms_of(bill), stored, bill.bill_account_id, bill.charged_late_fen, corrects=bill_id, reason=why,
    )  # fmt: skip
    if paid:
        made = await _difference(uow, bill, new, today)
    else:
        await take_back(uow, bill, BillState.REPLACED, why)
        made = await _issued(uow, bill, new, today)
    uow.record(
        "bill.corrected", "Bill", bill_id, where=bill, homes=(bill.home_id,), details={"by": made, "fen": amount}
    )
    return made


async def write_off_bill(uow: UnitOfWork, *, bill_id: int, reason: str) -> None:
    """Ask for the bill no longer. Raises NotFound, Forbidden, InvalidText, BillClosed, BillPaid, ChargeFrozen."""
    bill = await locked(uow, Bill, bill_id, may_decide_dues)
    why = words(reason, field="reason", most=200, least=1)
    await _check_open(uow, bill)
    if bill.state == BillState.SETTLED or await _is_paid(uow, bill):
        raise BillPaid
    await take_back(uow, bill, BillState.WRITTEN_OFF, why)
    uow.record("bill.written_off", "Bill", bill_id, where=bill, homes=(bill.home_id,), details={"fen": bill.amount_fen})


async def _check_open(uow: UnitOfWork, bill: Bill) -> None:
    corrected = await uow.session.scalar(select(Bill.id).where(Bill.corrects == bill.id))
    if bill.state not in (BillState.ISSUED, BillState.SETTLED) or bill.amount_fen < 0 or corrected is not None:
        raise BillClosed


async def _is_paid(uow: UnitOfWork, bill: Bill) -> bool:
    """Paid is for good; what is not may be held the next moment, which ``void_charge`` then finds.

    The charge of a paid bill is locked, so that no refund begins meanwhile. Raises BillRefunded.
    """
    returned = Charge.refunding_fen + Charge.refunded_fen
    found = await uow.session.execute(
        select(returned).where(Charge.id == bill.charge_id, Charge.state == "paid").with_for_update()
    )
    fen: int | None = found.scalar()
    if fen:
        raise BillRefunded
    return fen is not None


async def _zone(uow: UnitOfWork, compound_id: int) -> str:
    return str(await uow.session.scalar(select(Area.timezone).where(Area.id == compound_id)))


async def take_back(uow: UnitOfWork, bill: Bill, state: BillState, why: str) -> None:
    """Close an unpaid bill: its charge is void, and its home gets back what it had paid ahead."""
    if bill.charge_id is not None:
        await void_charge(uow, charge_id=bill.charge_id)
    if bill.prepaid_fen:
        await _give_back(uow, bill, bill.prepaid_fen, Back.RETURNED, bill.id)
    await _write(uow, bill.id, state=str(state), closed_at=uow.now, reason=why)


async def _write(uow: UnitOfWork, bill_id: int, **values: object) -> None:
    changed = update(Bill).where(Bill.id == bill_id).values(**values)
    await uow.session.execute(changed.execution_options(synchronize_session=False))


async def _issued(uow: UnitOfWork, bill: Bill, new: NewBill, today: date) -> int:
    made = await issue(
        uow,
        compound_id=bill.compound_id,
        source=BillSource.CORRECTION,
        bills=[new],
        today=today,
        use_prepaid=True,
    )
    return made[new.source_key]


async def _difference(uow: UnitOfWork, bill: Bill, new: NewBill, today: date) -> int:
    """What a paid bill was too little is billed beside it, what it was too much is credited."""
    more = new.amount_fen - bill.amount_fen
    said = {"title": f"原账单 {bill.id} / bill {bill.id}", "amount_fen": -bill.amount_fen}
    lines = [*new.lines, said]
    if more > 0:
        later = DueTerms(max(bill.deadline, today + TO_PAY))
        return await _issued(uow, bill, replace(new, amount_fen=more, lines=lines, terms=later, charged_late=0), today)
    row = areas(bill) | {
        "home_id": bill.home_id, "kind": bill.kind, "source": str(BillSource.CORRECTION), "source_key": new.source_key,
        "bill_account_id": bill.bill_account_id, "title": bill.title, "period_from": bill.period_from,
        "period_to": bill.period_to, "lines": lines, "amount_fen": more, "deadline": bill.deadline,
        "state": str(BillState.SETTLED), "corrects": bill.id, "reason": new.reason, "issued_at": uow.now,
    }  # fmt: skip
    credit = int((await uow.session.execute(insert(Bill).values(row).returning(Bill.id))).scalar_one())
    await _give_back(uow, bill, -more, Back.CREDITED, credit)
    return credit


async def _give_back(uow: UnitOfWork, bill: Bill, fen: int, why: Back, bill_id: int) -> None:
    await give_back(uow, bill, bill.home_id, fen, why=why, subject=Subject.BILL, subject_id=bill_id)


async def accrue(uow: UnitOfWork, *, limit: int) -> int:
    """Bring bills up to their compound's day: late fees grow, discounts end. How many were changed.

    What an order holds or has paid keeps its sum.
    """
    today = cast(func.timezone(Area.timezone, literal(uow.now)), Date)
    found = await uow.session.execute(
        select(Bill, Charge.id, Area.timezone)
        .join(Area, Area.id == Bill.compound_id)
        .join(Charge, Charge.id == Bill.charge_id)
        .where(Bill.state == str(BillState.ISSUED), Bill.due_changes_on <= today, Charge.state == "open")
        .order_by(Bill.due_changes_on, Bill.id)
        .limit(limit)
        .with_for_update(of=(Bill, Charge), skip_locked=True)
    )
    rows = found.all()
    for bill, charge_id, timezone in rows:
        day = local_day(uow.now, timezone)
        sums = due(bill.amount_fen, terms_of(bill), day, prepaid=bill.prepaid_fen, charged_late=bill.charged_late_fen)
        await change_charge(uow, charge_id=charge_id, amount_fen=sums.total)
        await _write(uow, bill.id, late_fee_fen=sums.late, discount_fen=sums.discount, due_changes_on=sums.changes_on)
    return len(rows)
