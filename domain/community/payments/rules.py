"""What may become of orders, attempts and refunds, and what a vendor's word about money means. Pure."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

from domain.community.payments.ports import CURRENCY, Notice, RefundState, Vendor

BEIJING: Final = timezone(timedelta(hours=8))
"""The zone in which both vendors count the days of their bills."""
ORDER_LASTS: Final = timedelta(minutes=30)
GRACE: Final = timedelta(minutes=2)
"""How long after its end an order still waits for what the vendor has not told yet."""
MOST_CHARGES: Final = 50
LONGEST_PAUSE: Final = timedelta(minutes=5)
FIRST_PAUSE: Final = timedelta(seconds=5)


class OrderState(StrEnum):
    """What has become of an order."""

    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"


class ClosedBecause(StrEnum):
    """Why an order was closed."""

    CANCELLED = "cancelled"
    EXPIRED = "expired"


class AttemptState(StrEnum):
    """What has become of an attempt."""

    CREATED = "created"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    REFUSED = "refused"
    PAID = "paid"


class ChargeState(StrEnum):
    """What has become of a charge."""

    OPEN = "open"
    HELD = "held"
    PAID = "paid"
    VOID = "void"


class AskedState(StrEnum):
    """What has become of a refund that was asked for. BY_HAND: the office paid it back past the vendor."""

    ASKED = "asked"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"
    REPLACED = "replaced"
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class InState:
    """What holds of a row in a state: columns that must be there, columns that must not, columns that no longer
    change, and the states it may go to."""

    required: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    frozen: frozenset[str] = frozenset()
    then: frozenset[str] = frozenset()


def _of(names: str) -> frozenset[str]:
    return frozenset(names.split())


_ORDER = "home_id account_id amount_fen opened_at expires_at"
_ATTEMPT = "home_id order_id out_trade_no vendor channel app_id seller_id amount_fen created_at expires_at"
_REFUND = "home_id attempt_id charge_id out_refund_no amount_fen reason asked_at asked_by replaces_id"
_CHARGE = "home_id kind subject subject_id opened_at"

ORDER: Final[Mapping[str, InState]] = {
    "open": InState(absent=_of("paid_at closed_at closed_because"), frozen=_of(_ORDER), then=_of("paid closed")),
    "closed": InState(_of("closed_at closed_because"), _of("paid_at"), _of(_ORDER), _of("paid")),
    "paid": InState(_of("paid_at"), frozen=_of(f"{_ORDER} paid_at closed_at closed_because")),
}
ATTEMPT: Final[Mapping[str, InState]] = {
    "created": InState(
        _of("check_at"), _of("transaction_id paid_at credited refused_because"), _of(_ATTEMPT),
        _of("open closing closed refused paid"),
    ),
    "open": InState(
        _of("check_at launch"), _of("transaction_id paid_at credited refused_because"), _of(_ATTEMPT),
        _of("closing closed paid"),
    ),
    "closing": InState(
        _of("check_at"), _of("transaction_id paid_at credited refused_because"), _of(_ATTEMPT), _of("closed paid")
    ),
    "closed": InState(absent=_of("transaction_id paid_at credited"), frozen=_of(_ATTEMPT), then=_of("paid")),
    "refused": InState(
        _of("refused_because"), _of("transaction_id paid_at credited"), _of(_ATTEMPT), _of("paid")
    ),
    "paid": InState(
        _of("transaction_id paid_at credited"), _of("refused_because"),
        _of(f"{_ATTEMPT} transaction_id paid_at credited"),
    ),
}  # fmt: skip
CHARGE: Final[Mapping[str, InState]] = {
    "open": InState(absent=_of("paid_at"), frozen=_of(_CHARGE), then=_of("held paid void")),
    "held": InState(absent=_of("paid_at"), frozen=_of(f"{_CHARGE} amount_fen"), then=_of("open paid")),
    "paid": InState(_of("paid_at"), frozen=_of(f"{_CHARGE} amount_fen paid_at")),
    "void": InState(absent=_of("paid_at"), frozen=_of(f"{_CHARGE} amount_fen")),
}
REFUND: Final[Mapping[str, InState]] = {
    "asked": InState(_of("check_at"), _of("done_at note"), _of(_REFUND), _of("sent done failed")),
    "sent": InState(_of("check_at"), _of("done_at note"), _of(_REFUND), _of("asked done failed")),
    "failed": InState(
        _of("failed_because"), _of("done_at note"), _of(_REFUND), _of("asked sent done replaced by_hand")
    ),
    "done": InState(_of("done_at"), _of("note"), _of(f"{_REFUND} done_at vendor_refund_id")),
    "replaced": InState(_of("failed_because"), _of("done_at note"), _of(f"{_REFUND} failed_because vendor_refund_id")),
    "by_hand": InState(_of("done_at note"), frozen=_of(f"{_REFUND} done_at note settled_by vendor_refund_id")),
}  # fmt: skip
MACHINES: Final[Mapping[str, Mapping[str, InState]]] = {
    "payment_order": ORDER,
    "payment_attempt": ATTEMPT,
    "charge": CHARGE,
    "refund": REFUND,
}
"""The machine of each table; triggers and checks of the database hold it too."""


class Verdict(StrEnum):
    """What a vendor's word that somebody paid leads to.

    CREDIT: the order is paid. SURPLUS: it is our money, but nothing is owed for it any more: it goes back. KNOWN:
    nothing new. The others are differences that a person must look at; they never credit anything.
    """

    CREDIT = "credit"
    SURPLUS = "surplus"
    KNOWN = "known"
    WRONG_VENDOR = "wrong_vendor"
    WRONG_PARTY = "wrong_party"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_AMOUNT = "wrong_amount"
    SECOND_TRANSACTION = "second_transaction"

    @property
    def differs(self) -> bool:
        """Whether a person must look at it."""
        return self not in (Verdict.CREDIT, Verdict.SURPLUS, Verdict.KNOWN)


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt as it stands, under its order's lock. owed: whether its order's charges are all still to be paid by
    it: held by the open order, or open again, at the same amounts, when it was closed."""

    vendor: str
    app_id: str
    seller_id: str
    amount_fen: int
    state: str
    transaction_id: str | None
    owed: bool


def judge(attempt: Attempted, notice: Notice) -> Verdict:
    """What to do about a verified notice that the attempt was paid."""
    if notice.vendor != attempt.vendor:
        return Verdict.WRONG_VENDOR
    if (notice.app_id, notice.seller_id) != (attempt.app_id, attempt.seller_id):
        return Verdict.WRONG_PARTY
    if notice.currency != CURRENCY:
        return Verdict.WRONG_CURRENCY
    if notice.amount_fen != attempt.amount_fen:
        return Verdict.WRONG_AMOUNT
    if attempt.state == AttemptState.PAID:
        same = notice.transaction_id == attempt.transaction_id
        return Verdict.KNOWN if same else Verdict.SECOND_TRANSACTION
    return Verdict.CREDIT if attempt.owed else Verdict.SURPLUS


class RefundVerdict(StrEnum):
    """What a vendor's word about a refund leads to; FAILED and the last three are differences for a person.

    MADE_TWICE: the office had paid it back already, or another went in its place.
    """

    DONE = "refund_done"
    FAILED = "refund_failed"
    SENT = "refund_sent"
    KNOWN = "refund_known"
    WRONG_AMOUNT = "refund_wrong_amount"
    WRONG_TRADE = "refund_wrong_trade"
    MADE_TWICE = "refund_made_twice"

    @property
    def differs(self) -> bool:
        """Whether a person must look at it."""
        return self not in (RefundVerdict.DONE, RefundVerdict.SENT, RefundVerdict.KNOWN)


@dataclass(frozen=True, slots=True)
class Asked:
    """A refund as it stands, under its order's lock."""

    attempt_id: int
    amount_fen: int
    state: str


def judge_refund(attempt_id: int, seller_id: str, refund: Asked, notice: Notice) -> RefundVerdict:
    """What to do about a verified word that the refund of the attempt is as ``notice`` says.

    One that failed may still go on or be made: a person can send it another way under the same number.
    """
    if refund.attempt_id != attempt_id or (notice.seller_id and notice.seller_id != seller_id):
        return RefundVerdict.WRONG_TRADE
    if refund.state == AskedState.DONE or notice.refund_state in (None, RefundState.ABSENT):
        return RefundVerdict.KNOWN
    if notice.amount_fen != refund.amount_fen or notice.currency != CURRENCY:
        return RefundVerdict.WRONG_AMOUNT
    past = refund.state in (AskedState.BY_HAND, AskedState.REPLACED)
    if notice.refund_state is RefundState.DONE:
        return RefundVerdict.MADE_TWICE if past else RefundVerdict.DONE
    if past:
        return RefundVerdict.KNOWN
    if notice.refund_state is RefundState.WAITING:
        return RefundVerdict.SENT
    return RefundVerdict.KNOWN if refund.state == AskedState.FAILED else RefundVerdict.FAILED


def needs_new_number(vendor: str, failed_because: str) -> bool:
    """Whether a refund that failed must be asked for again under a number of its own.

    Under the old number nothing can go back twice, so it is kept wherever the vendor still takes it: always at Alipay,
    and at WeChat Pay unless it has closed the refund (CLOSED), which is final: no money moves under that number.
    """
    return vendor == Vendor.WECHAT and failed_because == "CLOSED"


def pause(checks: int) -> timedelta:
    """How long to wait before the vendor is asked again, after it was asked ``checks`` times."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(checks, 10)))


_NUMBER = re.compile(r"z[tra]([1-9][0-9]{0,9})_[0-9a-f]{18}")


def trade_number(compound_id: int) -> str:
    """A new out_trade_no: unique, at most 32 letters, digits and underscores, and tells its compound."""
    return f"zt{compound_id}_{secrets.token_hex(9)}"


def refund_number(compound_id: int) -> str:
    """A new out_refund_no, made as ``trade_number`` is."""
    return f"zr{compound_id}_{secrets.token_hex(9)}"


def compound_of(number: str) -> int | None:
    """The compound that the number of a trade, refund or agreement tells; None when it is no number of ours."""
    found = _NUMBER.fullmatch(number)
    compound_id = int(found[1]) if found else 0
    return compound_id if 0 < compound_id < 2**31 else None


def bill_day(at: datetime) -> date:
    """The day of the vendors' bills in which an instant falls."""
    return at.astimezone(BEIJING).date()


def clearing(vendor: str) -> str:
    """The ledger's account of what a vendor holds for us."""
    return f"clearing_{Vendor(vendor)}"
