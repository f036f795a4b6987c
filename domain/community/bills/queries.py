"""Reads of bills, accounts and balances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, case, select

from domain.community.bills.kinds import BillKind, BillState
from domain.community.bills.models import Bill
from domain.community.bills.periods import Period
from domain.community.bills.sight import visible
from domain.community.payments.models import Charge
from domain.kernel.actor import Actor
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader


class BillStatus(StrEnum):
    """What a bill is to its home: open to be paid, in an order that is being paid, paid; settled, replaced, written
    off and withdrawn as the bill itself says."""

    OPEN = "open"
    PAYING = "paying"
    PAID = "paid"
    SETTLED = "settled"
    REPLACED = "replaced"
    WRITTEN_OFF = "written_off"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class BillFilter:
    """Which bills; None = all. period: any that touches it."""

    compound_id: int | None = None
    home_id: int | None = None
    kind: BillKind | None = None
    period: Period | None = None
    status: BillStatus | None = None


def status_column() -> ColumnElement[str]:
    """SQL: a bill's ``BillStatus``, beside its charge."""
    return case(
        (Bill.state != str(BillState.ISSUED), Bill.state),
        (Charge.state == "held", str(BillStatus.PAYING)),
        (Charge.state == "paid", str(BillStatus.PAID)),
        else_=str(BillStatus.OPEN),
    )


def total_column() -> ColumnElement[int]:
    """SQL: what a bill comes to, in fen: with late fee, less discount and prepaid part."""
    return Bill.amount_fen + Bill.late_fee_fen - Bill.discount_fen - Bill.prepaid_fen


def payable_column() -> ColumnElement[int]:
    """SQL: what is still to be paid of a bill, in fen, beside its charge; nothing once that is paid or the bill is
    settled, replaced, written off or withdrawn."""
    return case((status_column().in_([str(BillStatus.OPEN), str(BillStatus.PAYING)]), total_column()), else_=0)


def sums() -> tuple[ColumnElement[Any], ...]:
    """SQL: a bill's status, ``total_fen`` and ``payable_fen``, beside its charge."""
    return status_column().label("status"), total_column().label("total_fen"), payable_column().label("payable_fen")


def bills() -> Select[*tuple[Any, ...]]:
    """Bills with their status and sums, and when they were paid."""
    columns = [column for column in Bill.__table__.columns if column.name != "source_key"]
    charge = (*sums(), Charge.paid_at.label("paid_at"))
    return select(*columns, *charge).join(Charge, Charge.id == Bill.charge_id, isouter=True)


def narrowed(query: Select[*tuple[Any, ...]], wanted: BillFilter) -> Select[*tuple[Any, ...]]:
    """``query`` of bills with what is ``wanted``."""
    if wanted.compound_id is not None:
        query = query.where(Bill.compound_id == wanted.compound_id)
    if wanted.home_id is not None:
        query = query.where(Bill.home_id == wanted.home_id)
    if wanted.kind is not None:
        query = query.where(Bill.kind == str(wanted.kind))
    if wanted.period is not None:
        query = query.where(Bill.period_from <= wanted.period.end, Bill.period_to >= wanted.period.start)
    if wanted.status is not None:
        query = query.where(status_column() == str(wanted.status))
    return query


async def bill_page(reader: Reader, actor: Actor, wanted: BillFilter, *, first: int, after: str | None) -> Page[AnyRow]:
    """Bills that the actor sees, in order of id. Raises BadCursor."""
    query = narrowed(bills(), wanted).where(visible(actor, Bill))
    return await keyset_page(reader, query, Bill.id, first=first, after=after)


async def bills_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The bills among ``ids`` that the actor sees."""
    return await reader.rows(bills().where(Bill.id.in_(ids), visible(actor, Bill)))


async def rows_by_id(reader: Reader, actor: Actor, table: Any, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The rows of one of this slice's tables among ``ids`` that the actor sees, also those that are over."""
    return await reader.rows(select(*table.__table__.columns).where(table.id.in_(ids), visible(actor, table)))


async def row_page(
    reader: Reader,
    actor: Actor,
    table: Any,
    *,
    compound_id: int | None = None,
    home_id: int | None = None,
    first: int,
    after: str | None,
    where: Sequence[ColumnElement[bool]] = (),
) -> Page[AnyRow]:
    """The rows of one of this slice's tables that the actor sees and that are not over, in order of id."""
    query = select(*table.__table__.columns).where(visible(actor, table), *where)
    if hasattr(table, "ended_at"):
        query = query.where(table.ended_at.is_(None))
    if compound_id is not None:
        query = query.where(table.compound_id == compound_id)
    if home_id is not None:
        query = query.where(table.home_id == home_id)
    return await keyset_page(reader, query, table.id, first=first, after=after)
