"""Taking what vendors say of payments and refunds: believed once, held against what was agreed, booked in one go.

A batch is one transaction: it locks the orders that are spoken of, then their charges and refunds, judges every notice
by the pure rules, and writes what follows in a few statements, whatever the number. A notification that comes twice,
late or in any order changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.community.payments import booking
from domain.community.payments.booking import AttemptRow, ChargeRow, Difference, RefundRow
from domain.community.payments.events import ChargePaid, ChargeRefunded
from domain.community.payments.ports import Notice, NoticeKind
from domain.community.payments.rules import (
    Asked,
    AskedState,
    Attempted,
    AttemptState,
    ChargeState,
    OrderState,
    RefundVerdict,
    Verdict,
    bill_day,
    compound_of,
    judge,
    judge_refund,
    refund_number,
)
from domain.kernel.actor import NOTHING, Scope
from domain.kernel.uow import UnitOfWork

DUPLICATE, UNKNOWN, FOREIGN = "duplicate", "unknown_trade", "foreign"
TOO_LATE = "支付到账时订单已无应付款，自动退回"


def scope_for(notices: Iterable[Notice]) -> Scope:
    """The scope in which ``notices`` are taken: the compounds that their trades' numbers tell."""
    places = {compound_of(notice.out_trade_no) for notice in notices} - {None}
    return Scope(compounds=tuple(sorted(place for place in places if place is not None))) if places else NOTHING


async def take_notice(uow: UnitOfWork, notice: Notice) -> str:
    """Take one verified notice in the scope of ``scope_for``; see ``take_notices``."""
    (outcome,) = await take_notices(uow, [notice])
    return outcome


async def take_notices(uow: UnitOfWork, notices: Sequence[Notice]) -> list[str]:
    """Take verified notices; what each led to: a ``Verdict`` or ``RefundVerdict``, "duplicate", "unknown_trade" (a work
    item) or "foreign" (no number of ours). All of them are to be acknowledged to the vendor.
    """
    batch = await _load(uow, notices)
    outcomes = [_judged(batch, notice) for notice in notices]
    await _write(uow, batch)
    return outcomes


@dataclass(slots=True)
class _Batch:
    """What a batch knows, locked, and what it will write."""

    now: datetime
    attempts: dict[str, AttemptRow]
    charges: dict[int, list[ChargeRow]]
    refunds: dict[str, RefundRow]
    seen: set[tuple[str, str]]
    paid: list[booking.Paid] = field(default_factory=list)
    returned: list[booking.Return] = field(default_factory=list)
    refunded: list[booking.Refunded] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    taken: list[booking.Taken] = field(default_factory=list)


async def _load(uow: UnitOfWork, notices: Sequence[Notice]) -> _Batch:
    connection = await uow.session.connection()
    attempts = await booking.lock_attempts(connection, {notice.out_trade_no for notice in notices})
    charges = await booking.lock_charges(connection, {attempt.order_id for attempt in attempts})
    numbers = {notice.out_refund_no for notice in notices if notice.kind is NoticeKind.REFUND}
    refunds = await booking.lock_refunds(connection, numbers) if numbers else []
    seen = await booking.taken_before(connection, [(n.vendor, n.notice_id) for n in notices if n.notice_id])
    return _Batch(
        uow.now,
        {attempt.out_trade_no: attempt for attempt in attempts},
        charges,
        {refund.out_refund_no: refund for refund in refunds},
        seen,
    )


def _judged(batch: _Batch, notice: Notice) -> str:
    """Judge one notice, and note what must be written."""
    key = (str(notice.vendor), notice.notice_id)
    if notice.notice_id and key in batch.seen:
        return DUPLICATE
    attempt = batch.attempts.get(notice.out_trade_no)
    if attempt is None:
        compound_id = compound_of(notice.out_trade_no)
        if compound_id is None:
            return FOREIGN
        batch.differences.append(_difference(notice, UNKNOWN, compound_id, None))
        return UNKNOWN
    outcome = _refund(batch, notice, attempt) if notice.kind is NoticeKind.REFUND else _pay(batch, notice, attempt)
    if notice.notice_id:
        batch.seen.add(key)
        batch.taken.append(booking.Taken(attempt, notice, outcome))
    return outcome


def _pay(batch: _Batch, notice: Notice, attempt: AttemptRow) -> str:
    charges = batch.charges.get(attempt.order_id, [])
    verdict = judge(
        Attempted(
            attempt.vendor,
            attempt.app_id,
            attempt.seller_id,
            attempt.amount_fen,
            attempt.state,
            attempt.transaction_id,
            owed=_owed(attempt.order.state, charges),
        ),
        notice,
    )
    if verdict.differs:
        batch.differences.append(_difference(notice, verdict, attempt.compound_id, attempt.amount_fen))
    elif verdict is not Verdict.KNOWN:
        credited = verdict is Verdict.CREDIT
        attempt.state, attempt.transaction_id = AttemptState.PAID, notice.transaction_id
        if credited:
            attempt.order.state = OrderState.PAID
            for charge in charges:
                charge.state = ChargeState.PAID
        else:
            number = refund_number(attempt.compound_id)
            batch.returned.append(booking.Return(attempt, number, attempt.amount_fen, TOO_LATE))
        batch.paid.append(booking.Paid(attempt, notice.transaction_id, notice.at, credited))
    return verdict


def _owed(order_state: str, charges: Sequence[ChargeRow]) -> bool:
    """Whether all charges wait for this order: held while it is open, or open again since it was closed."""
    if order_state == OrderState.OPEN:
        return all(charge.state == ChargeState.HELD for charge in charges)
    late = order_state == OrderState.CLOSED
    return late and all(charge.state == ChargeState.OPEN and charge.unchanged for charge in charges)


def _refund(batch: _Batch, notice: Notice, attempt: AttemptRow) -> str:
    refund = batch.refunds.get(notice.out_refund_no)
    if refund is None:
        batch.differences.append(_difference(notice, "unknown_refund", attempt.compound_id, None))
        return "unknown_refund"
    asked = Asked(refund.attempt_id, refund.amount_fen, refund.state)
    verdict = judge_refund(attempt.id, attempt.seller_id, asked, notice)
    if verdict.differs:
        # asked or told, it is the same difference: an answer to a question does not name the payment
        whole = replace(notice, transaction_id=notice.transaction_id or attempt.transaction_id or "")
        batch.differences.append(_difference(whole, verdict, attempt.compound_id, refund.amount_fen))
    states = {
        RefundVerdict.DONE: AskedState.DONE,
        RefundVerdict.FAILED: AskedState.FAILED,
        RefundVerdict.SENT: AskedState.SENT,
    }
    if verdict in states:
        refund.state = states[verdict]
        batch.refunded.append(booking.Refunded(attempt, refund, notice, states[verdict]))
    return verdict


def _difference(notice: Notice, kind: str, compound_id: int, ours_fen: int | None) -> Difference:
    return Difference(
        compound_id,
        str(notice.vendor),
        bill_day(notice.at),
        str(kind),
        notice.out_trade_no,
        notice.out_refund_no,
        notice.transaction_id,
        ours_fen,
        notice.amount_fen,
    )


async def _write(uow: UnitOfWork, batch: _Batch) -> None:
    connection = await uow.session.connection()
    if batch.taken:
        await booking.write_notices(connection, batch.taken, batch.now)
    if batch.paid:
        await booking.write_payments(connection, batch.paid, batch.now)
    if batch.returned:
        await booking.write_returns(connection, batch.returned, batch.now)
    if batch.differences:
        await booking.write_differences(connection, batch.differences, batch.now)
    if batch.refunded:  # last: it settles what was said to have failed, also in this batch, and is made after all
        await booking.write_refunds(connection, batch.refunded, batch.now)
    credited = [paid.attempt for paid in batch.paid if paid.credited]
    if credited:
        await booking.write_receipts(connection, credited, batch.now)
    _tell(uow, batch)


def _tell(uow: UnitOfWork, batch: _Batch) -> None:
    """Events for the slices whose charges these are, and the audit log."""
    for paid in batch.paid:
        attempt = paid.attempt
        said = {"order": attempt.order_id, "vendor": attempt.vendor, "amount_fen": attempt.amount_fen}
        action = "payment.received" if paid.credited else "payment.returned"
        uow.record(action, "PaymentOrder", attempt.order_id, where=attempt, homes=(attempt.home_id,), details=said)
        for charge in batch.charges.get(attempt.order_id, []) if paid.credited else ():
            event = ChargePaid(attempt.compound_id, charge.id, charge.subject, charge.subject_id)
            uow.emit(event, compound_id=attempt.compound_id)
    for each in batch.refunded:
        if each.state != AskedState.DONE:
            continue
        attempt, refund = each.attempt, each.refund
        said = {"order": attempt.order_id, "vendor": attempt.vendor, "amount_fen": refund.amount_fen}
        uow.record("refund.made", "Refund", refund.id, where=attempt, homes=(attempt.home_id,), details=said)
        for charge in batch.charges.get(attempt.order_id, []):
            if charge.id == refund.charge_id:
                subject = (charge.subject, charge.subject_id)
                back = ChargeRefunded(attempt.compound_id, charge.id, *subject, refund.amount_fen)
                uow.emit(back, compound_id=attempt.compound_id)
