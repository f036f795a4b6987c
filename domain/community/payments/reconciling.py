"""Holding a vendor's bill of a day against what stands here: differences go to a person, and are looked at again.

What the vendor took and we did not is asked about at once, and is credited or sent back by what it then says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.payments import booking
from domain.community.payments.booking import Difference
from domain.community.payments.errors import Settled
from domain.community.payments.models import PaymentAttempt, Refund
from domain.community.payments.policies import items_visible, may_settle
from domain.community.payments.ports import BillLine, LineKind, Vendor
from domain.community.payments.reconciliation.models import Reconciliation, ReconciliationItem
from domain.community.payments.rules import BEIJING, AskedState, AttemptState, bill_day, compound_of
from domain.identity.policies import place_of
from domain.kernel.bulk import among
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import Reader, UnitOfWork

DAYS_BACK: Final = 3
READY: Final = time(10, 30)
"""When the bill of the day before is there, in Beijing time."""
MOST_NOTE: Final = 500


@dataclass(frozen=True, slots=True)
class Ours:
    """A payment or refund as it stands here. done: it is paid, or made."""

    id: int
    compound_id: int
    amount_fen: int
    done: bool


@dataclass(slots=True)
class Compared:
    """What a bill and our rows say of each other: ids of which it tells, ids to ask about, what a person must see."""

    payments: list[int] = field(default_factory=list)
    refunds: list[int] = field(default_factory=list)
    ask_payments: list[int] = field(default_factory=list)
    ask_refunds: list[int] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    matched: int = 0
    foreign: int = 0


def compare(
    vendor: Vendor, lines: Sequence[BillLine], payments: Mapping[str, Ours], refunds: Mapping[str, Ours]
) -> Compared:
    """Hold ``lines`` against our payments and refunds, by their numbers. Pure."""
    found = Compared()
    for line in lines:
        refund = line.kind is LineKind.REFUND
        number = line.out_refund_no if refund else line.out_trade_no
        ours = (refunds if refund else payments).get(number)
        place = ours.compound_id if ours is not None else compound_of(number)
        if place is None:
            found.foreign += 1
            continue
        kind = _difference(line, ours)
        if kind is not None:
            theirs, amount = line.amount_fen, None if ours is None else ours.amount_fen
            numbers = (line.out_trade_no, line.out_refund_no, line.transaction_id)
            found.differences.append(Difference(place, str(vendor), bill_day(line.at), kind, *numbers, amount, theirs))
        found.matched += kind is None
        if ours is not None and ours.done:
            (found.refunds if refund else found.payments).append(ours.id)
        elif ours is not None:
            (found.ask_refunds if refund else found.ask_payments).append(ours.id)
    return found


def _difference(line: BillLine, ours: Ours | None) -> str | None:
    """What is wrong about a line; None when it is as we have it."""
    kind = "bill_refund" if line.kind is LineKind.REFUND else "bill_payment"
    if ours is None:
        return f"{kind}_unknown"
    if not ours.done:
        return f"{kind}_not_taken"
    return f"{kind}_amount" if ours.amount_fen != line.amount_fen else None


async def days_to_reconcile(reader: Reader, vendor: Vendor, now: datetime) -> list[date]:
    """The last days of which the vendor's bill is there and was not held against our rows yet, oldest first."""
    here = now.astimezone(BEIJING)
    last = here.date() - timedelta(days=1 if here.time() >= READY else 2)
    days = [last - timedelta(days=n) for n in reversed(range(DAYS_BACK))]
    done = await reader.rows(
        select(Reconciliation.day).where(Reconciliation.vendor == str(vendor), Reconciliation.day.in_(days))
    )
    return sorted(set(days) - {row.day for row in done})


async def reconcile(uow: UnitOfWork, *, vendor: Vendor, day: date, lines: Sequence[BillLine]) -> int:
    """Hold a vendor's bill of ``day`` against our rows, in the scope of all compounds; how many differences are new.

    Again the same bill: the same differences, each once.
    """
    connection = await uow.session.connection()
    compared = compare(vendor, lines, await _payments(uow, vendor, lines), await _refunds(uow, lines))
    await _mark(uow, compared, day)
    compared.differences += await _missing(uow, vendor, day)
    new = await booking.write_differences(connection, compared.differences, uow.now) if compared.differences else 0
    sums = {kind: sum(line.amount_fen for line in lines if line.kind is kind) for kind in LineKind}
    row = {
        "vendor": str(vendor),
        "day": day,
        "lines": len(lines),
        "matched": compared.matched,
        "differences": len(compared.differences),
        "foreign_lines": compared.foreign,
        "paid_fen": sums[LineKind.PAYMENT],
        "refunded_fen": sums[LineKind.REFUND],
        "done_at": uow.now,
    }
    written = insert(Reconciliation).values(row)
    await uow.session.execute(written.on_conflict_do_update(index_elements=["vendor", "day"], set_=row))
    return new


async def _payments(uow: UnitOfWork, vendor: Vendor, lines: Sequence[BillLine]) -> dict[str, Ours]:
    numbers = {line.out_trade_no for line in lines if line.kind is LineKind.PAYMENT}
    rows = await uow.session.execute(
        select(
            PaymentAttempt.out_trade_no,
            PaymentAttempt.id,
            PaymentAttempt.compound_id,
            PaymentAttempt.amount_fen,
            PaymentAttempt.state == AttemptState.PAID,
        ).where(PaymentAttempt.vendor == str(vendor), among(PaymentAttempt.out_trade_no, numbers))
    )
    return {number: Ours(id, place, fen, done) for number, id, place, fen, done in rows}


async def _refunds(uow: UnitOfWork, lines: Sequence[BillLine]) -> dict[str, Ours]:
    numbers = {line.out_refund_no for line in lines if line.kind is LineKind.REFUND}
    rows = await uow.session.execute(
        select(
            Refund.out_refund_no, Refund.id, Refund.compound_id, Refund.amount_fen, Refund.state == AskedState.DONE
        ).where(among(Refund.out_refund_no, numbers))
    )
    return {number: Ours(id, place, fen, done) for number, id, place, fen, done in rows}


async def _mark(uow: UnitOfWork, compared: Compared, day: date) -> None:
    """Remember of what the bill told, and have asked about at once what we do not have."""
    for table, ids, values in (
        (PaymentAttempt, compared.payments, {"reconciled_on": day}),
        (PaymentAttempt, compared.ask_payments, {"check_at": uow.now}),
        (Refund, compared.refunds, {"reconciled_on": day}),
    ):
        if ids:
            changed = update(table).where(among(table.id, ids)).values(values)
            await uow.session.execute(changed.execution_options(synchronize_session=False))
    if compared.ask_refunds:
        waiting = (AskedState.ASKED, AskedState.SENT)
        changed = update(Refund).where(among(Refund.id, compared.ask_refunds), Refund.state.in_(waiting))
        await uow.session.execute(changed.values(check_at=uow.now).execution_options(synchronize_session=False))


async def _missing(uow: UnitOfWork, vendor: Vendor, day: date) -> list[Difference]:
    """Payments of the day of which no bill told, and refunds of the day before, which a bill may tell a day late."""
    begin = datetime.combine(day, time(), BEIJING)
    paid = await uow.session.execute(
        select(
            PaymentAttempt.compound_id,
            PaymentAttempt.out_trade_no,
            PaymentAttempt.transaction_id,
            PaymentAttempt.amount_fen,
        ).where(
            PaymentAttempt.vendor == str(vendor),
            PaymentAttempt.state == AttemptState.PAID,
            PaymentAttempt.paid_at >= begin,
            PaymentAttempt.paid_at < begin + timedelta(days=1),
            PaymentAttempt.reconciled_on.is_(None),
        )
    )
    made = await uow.session.execute(
        select(Refund.compound_id, PaymentAttempt.out_trade_no, Refund.out_refund_no, Refund.amount_fen)
        .join(PaymentAttempt, PaymentAttempt.id == Refund.attempt_id)
        .where(
            PaymentAttempt.vendor == str(vendor),
            Refund.state == AskedState.DONE,
            Refund.done_at >= begin - timedelta(days=1),
            Refund.done_at < begin,
            Refund.reconciled_on.is_(None),
        )
    )
    return [
        *(
            Difference(c, str(vendor), day, "bill_payment_missing", no, "", t or "", fen, None)
            for c, no, t, fen in paid
        ),
        *(Difference(c, str(vendor), day, "bill_refund_missing", no, r, "", fen, None) for c, no, r, fen in made),
    ]


async def settle_item(uow: UnitOfWork, *, item_id: int, note: str) -> None:
    """Say what was done about a difference. Raises InvalidText, NotFound, Forbidden, Settled."""
    said = words(note, field="note", least=1, most=MOST_NOTE, lines=True)
    found = await uow.session.execute(
        select(ReconciliationItem).where(ReconciliationItem.id == item_id, items_visible(uow.actor))
    )
    item = found.scalar_one_or_none()
    if item is None:
        raise NotFound(field="id")
    if not may_settle(uow.actor, place_of(item)):
        raise Forbidden
    changed = await uow.session.execute(
        update(ReconciliationItem)
        .where(ReconciliationItem.id == item_id, ReconciliationItem.state == "open")
        .values(state="settled", settled_at=uow.now, settled_by=uow.actor.account_id, note=said)
        .returning(ReconciliationItem.id)
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:
        raise Settled
    uow.record("reconciliation.settled", "ReconciliationItem", item_id, where=item, details={"kind": item.kind})
