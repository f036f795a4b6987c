"""Bills that are asked for at suppliers: which accounts are due, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, update

from domain.community.bills.accounts import number_place
from domain.community.bills.due import DueTerms
from domain.community.bills.issuing import NewBill, issue
from domain.community.bills.kinds import TITLES, BillKind, BillSource
from domain.community.bills.models import BillAccount
from domain.community.bills.periods import InvalidPeriod, month_of
from domain.community.bills.pull.following import NOTHING, Followed, Listing, follow
from domain.community.bills.pull.ports import BillEntry, InstBill, InstBillQuery, InstBills, SubBizType
from domain.community.bills.pull.rules import EACH_BY_ITSELF
from domain.community.bills.service import TO_PAY, local_day
from domain.community.payments.charges import MOST_FEN
from domain.estate.models import Area
from domain.estate.queries import compound_place
from domain.identity.ports import Vault
from domain.kernel.money import InvalidAmount, fen_of
from domain.kernel.uow import UnitOfWork

HOUR: Final = 6
"""From when in the day suppliers are asked, in the compound's zone: before people look, after suppliers' own nights."""
AGAIN: Final = timedelta(hours=1)
"""When one that did not answer is asked again."""
TYPES: Final[Mapping[BillKind, SubBizType]] = {
    BillKind.WATER: SubBizType.WATER,
    BillKind.ELECTRICITY: SubBizType.ELECTRIC,
    BillKind.GAS: SubBizType.GAS,
}
ENTRY_COLUMNS: Final = (
    "bill_entry_id", "cost_type", "acct_period", "bill_entry_amount", "deadline", "room_address", "remark_str",
)  # fmt: skip
"""Columns of a file of entries; files of bills have the same."""


@dataclass(frozen=True, slots=True)
class Due:
    """An account whose bills are asked for, and how."""

    account_id: int
    compound_id: int
    home_id: int
    kind: BillKind
    query: InstBillQuery


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an answer, in bills: how many were new, how many could not be understood, and what became of those
    that were here."""

    made: int = 0
    odd: int = 0
    followed: Followed = NOTHING


async def due_accounts(
    uow: UnitOfWork, *, vault: Vault, limit: int, types: Collection[SubBizType] = frozenset(SubBizType)
) -> list[Due]:
    """Accounts for which a supplier is to be asked now, those that wait longest first; none is asked again before the
    next morning, so whoever comes next takes others. types: what can be asked for."""
    kinds = [str(kind) for kind, asked in TYPES.items() if asked in types]
    waiting = (
        select(BillAccount.id)
        .where(BillAccount.ended_at.is_(None), BillAccount.kind.in_(kinds), BillAccount.ask_at <= uow.now)
        .order_by(BillAccount.ask_at, BillAccount.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    asked = (
        update(BillAccount)
        .where(BillAccount.id.in_(waiting))
        .values(ask_at=_next_morning(uow.now))
        .returning(BillAccount)
    )
    rows = (await uow.session.scalars(asked.execution_options(synchronize_session=False))).all()
    found = []
    for row in sorted(rows, key=lambda account: account.id):
        number = await vault.open(row.number, number_place(row.home_id, row.number_index), area=row.compound_id)
        kind = BillKind(row.kind)
        query = InstBillQuery(TYPES[kind], row.institution, number)
        found.append(Due(row.id, row.compound_id, row.home_id, kind, query))
    return found


def _next_morning(now: datetime) -> ColumnElement[datetime]:
    """SQL: the next time it is ``HOUR`` in the compound's zone."""
    zone = select(Area.timezone).where(Area.id == BillAccount.compound_id).scalar_subquery()
    local: Any = func.timezone(zone, now)
    since, day = timedelta(hours=HOUR), timedelta(days=1)
    return func.timezone(zone, func.date_trunc("day", local - since) + since + day)


async def ask_again(uow: UnitOfWork, account_ids: Sequence[int]) -> None:
    """Nobody answered for these accounts: they are due in an hour, after those that were not asked yet."""
    await uow.session.execute(
        update(BillAccount)
        .where(BillAccount.id.in_(account_ids), BillAccount.ended_at.is_(None))
        .values(ask_at=uow.now + AGAIN)
        .execution_options(synchronize_session=False)
    )


async def take_bills(uow: UnitOfWork, *, due: Due, answer: InstBills) -> Taken:
    """Issue a supplier's bills of an account that are new, each once, and bring the others to what it says now.

    An account that was ended, or given to another home, since it was asked for gets none. One of whose bills somebody
    pays right now, though it is another, is asked for again in an hour.
    """
    place = await compound_place(uow, due.compound_id)
    mine = select(BillAccount.id).where(
        BillAccount.id == due.account_id, BillAccount.home_id == due.home_id, BillAccount.ended_at.is_(None)
    )
    if place is None or (await uow.session.execute(mine.with_for_update())).scalar() is None:
        return Taken()
    today = local_day(uow.now, place.timezone)
    # Suppliers tell no deadline.
    good, odd = _understood(due, answer, DueTerms(today + TO_PAY))
    # An empty list closes nothing, and neither does one in which something was not understood: it may be that bill.
    complete = answer.charge_mode == EACH_BY_ITSELF and bool(good) and not odd
    followed = await follow(uow, Listing(due.compound_id, due.home_id, due.account_id, good, complete, today))
    made = await issue(
        uow, compound_id=due.compound_id, source=BillSource.PULLED, bills=list(good.values()), today=today
    )
    if followed.waiting:
        await ask_again(uow, [due.account_id])
    return Taken(len(made), odd, followed)


def _understood(due: Due, answer: InstBills, terms: DueTerms) -> tuple[dict[str, NewBill], int]:
    """The bills of an answer by natural key, and how many are none; a number with two meanings is none."""
    read = [_bill(due, bill, terms) for bill in answer.inst_bills]
    good = {bill.source_key: bill for bill in read if bill is not None}
    for bill in read:
        if bill is not None and good.get(bill.source_key, bill) != bill:
            del good[bill.source_key]
    return good, sum(bill is None or bill.source_key not in good for bill in read)


def _bill(due: Due, said: InstBill, terms: DueTerms) -> NewBill | None:
    """The bill; None when it cannot be understood."""
    try:
        period = month_of(said.bill_date)
        amount, fines = fen_of(said.amount), fen_of(said.bill_fines or "0")
    except (InvalidPeriod, InvalidAmount):
        return None
    if not (0 < amount <= MOST_FEN - fines and fines >= 0 and 0 < len(said.inst_bill_no) <= 64):
        return None
    title = TITLES[due.kind]
    return NewBill(
        due.home_id,
        due.kind,
        f"{due.kind}|{due.query.charge_inst}|{said.inst_bill_no}",
        title,
        period.start,
        period.end,
        amount,
        terms,
        ({"title": title, "amount_fen": amount},),
        due.account_id,
        fines,
    )


def entry_row(entry: BillEntry) -> tuple[str, ...]:
    """An entry of a property system as a row of a file of bills."""
    return tuple(getattr(entry, name) for name in ENTRY_COLUMNS)
