"""What the vendors must be asked about: attempts and refunds whose next look is due, each handed to one asker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update

from domain.community.payments.models import PaymentAttempt, Refund
from domain.community.payments.ports import (
    NewRefund,
    Notice,
    NoticeKind,
    Refunding,
    Trade,
    Vendor,
)
from domain.community.payments.rules import FIRST_PAUSE, LONGEST_PAUSE, AskedState, AttemptState
from domain.kernel import bulk
from domain.kernel.uow import UnitOfWork

_PAUSE: Final = f"""
least(interval '{LONGEST_PAUSE.total_seconds()} seconds',
      interval '{FIRST_PAUSE.total_seconds()} seconds' * (1 << least(checks, 10)))
"""
_DUE: Final = """
update {table} set check_at = $1 + {pause}, checks = checks + 1
where id in (select id from {table} where check_at <= $1 order by check_at, id limit $2 for update skip locked)
returning *
"""


@dataclass(frozen=True, slots=True)
class DueAttempt:
    """An attempt to ask about. closing: nobody wants it paid any more, so close it first."""

    id: int
    compound_id: int
    vendor: Vendor
    out_trade_no: str
    state: AttemptState
    expires_at: datetime

    @property
    def closing(self) -> bool:
        """Whether it is to be closed."""
        return self.state is AttemptState.CLOSING


@dataclass(frozen=True, slots=True)
class DueRefund:
    """A refund to ask for (again: the same number is the same refund), or about. asked: the vendor may not have it."""

    id: int
    compound_id: int
    vendor: Vendor
    seller_id: str
    refund: NewRefund
    asked: bool


async def due_attempts(uow: UnitOfWork, *, limit: int) -> list[DueAttempt]:
    """Up to ``limit`` attempts whose look is due, put off so that nobody else asks too; longer each time."""
    connection = await uow.session.connection()
    statement = _DUE.format(table="payment_attempt", pause=_PAUSE)
    return [
        DueAttempt(
            row["id"],
            row["compound_id"],
            Vendor(row["vendor"]),
            row["out_trade_no"],
            AttemptState(row["state"]),
            row["expires_at"],
        )
        for row in await bulk.fetch(connection, statement, uow.now, limit)
    ]


async def due_refunds(uow: UnitOfWork, *, limit: int) -> list[DueRefund]:
    """Up to ``limit`` refunds whose look is due, put off as attempts are."""
    connection = await uow.session.connection()
    statement = _DUE.format(table="refund", pause=_PAUSE)
    rows = {row["id"]: row for row in await bulk.fetch(connection, statement, uow.now, limit)}
    attempts = await uow.session.execute(
        select(
            PaymentAttempt.id,
            PaymentAttempt.vendor,
            PaymentAttempt.seller_id,
            PaymentAttempt.out_trade_no,
            PaymentAttempt.amount_fen,
        ).where(PaymentAttempt.id.in_({row["attempt_id"] for row in rows.values()}))
    )
    paid = {attempt.id: attempt for attempt in attempts}
    return [
        DueRefund(
            id,
            row["compound_id"],
            Vendor(attempt.vendor),
            attempt.seller_id,
            NewRefund(attempt.out_trade_no, row["out_refund_no"], row["amount_fen"], attempt.amount_fen, row["reason"]),
            asked=row["state"] == AskedState.ASKED,
        )
        for id, row in rows.items()
        for attempt in (paid[row["attempt_id"]],)
    ]


async def look_no_more(uow: UnitOfWork, ids: Sequence[int]) -> None:
    """Ask no more about attempts that are closed or refused."""
    await uow.session.execute(
        update(PaymentAttempt)
        .where(PaymentAttempt.id.in_(ids), PaymentAttempt.state.in_((AttemptState.CLOSED, AttemptState.REFUSED)))
        .values(check_at=None)
        .execution_options(synchronize_session=False)
    )


async def ask_again(uow: UnitOfWork, refund_id: int) -> None:
    """The vendor has no such refund after all: it is asked for anew, under the same number."""
    await uow.session.execute(
        update(Refund)
        .where(Refund.id == refund_id, Refund.state == AskedState.SENT)
        .values(state=str(AskedState.ASKED), check_at=uow.now)
        .execution_options(synchronize_session=False)
    )


def notice_of_trade(vendor: Vendor, trade: Trade, *, now: datetime) -> Notice:
    """The notice that a PAID trade would have been, for what was asked instead of told."""
    return Notice(
        vendor,
        "",
        NoticeKind.PAID,
        trade.out_trade_no,
        trade.transaction_id,
        trade.amount_fen,
        trade.app_id,
        trade.seller_id,
        trade.paid_at or now,
        trade.raw,
        trade.currency,
    )


def notice_of_refund(due: DueRefund, told: Refunding, *, now: datetime) -> Notice:
    """The notice that a vendor's answer about a refund would have been."""
    return Notice(
        due.vendor,
        "",
        NoticeKind.REFUND,
        due.refund.out_trade_no,
        "",
        told.amount_fen or due.refund.amount_fen,
        "",
        "",
        told.done_at or now,
        told.raw,
        out_refund_no=told.out_refund_no,
        refund_id=told.refund_id,
        refund_state=told.state,
    )
