"""Tables of what homes owe, of how it is paid and comes back, and of the ledger."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    and_,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound

ACCOUNTS = (  # of a CHECK
    "'receivable', 'income', 'clearing_wechat', 'clearing_alipay', 'refunds', 'unallocated', 'prepaid', 'office'"
)
OF_PREPAID = "'deposited', 'used', 'returned', 'credited', 'paid_out'"


class Charge(InCompound, Base):
    """One amount that a home owes, in fen. subject, subject_id: the bill, repair or booking it was opened for; kind:
    what a resident knows it as, of a bill its kind.

    state: open -> held (an order pays it) -> paid, or back to open; open -> void. refunding_fen: asked back and not
    yet made; with ``refunded_fen`` it never exceeds the amount.
    """

    __tablename__ = "charge"
    over = "opened_at"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[int] = mapped_column(BigInteger)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    refunding_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refunded_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    title: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(Text, server_default="open")
    opened_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("subject in ('bill','repair','booking')", name="subject"),
        CheckConstraint(
            "kind in ('property','water','electricity','gas') and subject = 'bill'"
            " or kind in ('repair','booking') and subject = kind",
            name="kind",
        ),
        CheckConstraint("state in ('open','held','paid','void')", name="state"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("(state = 'paid') = (paid_at is not null)", name="paid"),
        CheckConstraint("refunding_fen >= 0 and refunded_fen >= 0", name="refunds_positive"),
        CheckConstraint("refunding_fen + refunded_fen <= amount_fen", name="refunds_within"),
        CheckConstraint("state = 'paid' or refunding_fen + refunded_fen = 0", name="refunds_of_paid"),
        Index("uq_charge_live", "subject", "subject_id", unique=True, postgresql_where=text("state <> 'void'")),
        Index("ix_charge_home_id", "home_id", "id"),
        Index("ix_charge_open", "home_id", "due_on", postgresql_where=text("state = 'open'")),
        Index("ix_charge_compound_id", "compound_id", "id"),
    )

    @classmethod
    def concerns(cls, since: datetime) -> ColumnElement[bool]:
        """A charge of a bill that was still to be paid then is asked of who lives there now."""
        asked = and_(cls.subject == "bill", or_(cls.state.in_(("open", "held")), cls.paid_at >= since))
        return or_(super().concerns(since), asked)


class LedgerEntry(InCompound, Base):
    """An amount that moves from one account (credit) to another (debit): whatever stands here sums to zero.

    Receivable and prepaid are of the home, clearing of the vendor, office what the property office took in or paid out
    of its own cash or bank. kind: "opened" and "reduced" of a charge, or of what ``subject`` owed and was paid ahead;
    "paid", at most once of a charge; "unallocated": money that came when nothing was owed any more, and goes back;
    "refunded", at most once of a refund; those of ``domain.community.payments.prepaid``. The application adds entries
    and never changes them.
    """

    __tablename__ = "ledger_entry"
    over = "at"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    kind: Mapped[str] = mapped_column(Text)
    debit: Mapped[str] = mapped_column(Text)
    credit: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    charge_id: Mapped[int | None] = mapped_column(ForeignKey("charge.id"))
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("payment_attempt.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"))
    subject: Mapped[str | None] = mapped_column(Text)
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text, server_default="")
    made_by: Mapped[int | None] = mapped_column(Integer)
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(f"kind in ('opened','reduced','paid','unallocated','refunded',{OF_PREPAID})", name="kind"),
        CheckConstraint(f"('prepaid' in (debit, credit)) = (kind in ({OF_PREPAID}))", name="prepaid"),
        CheckConstraint("subject in ('bill','repair','booking')", name="subject"),
        CheckConstraint("(subject is null) = (subject_id is null)", name="subject_id"),
        CheckConstraint(f"debit in ({ACCOUNTS})", name="debit"),
        CheckConstraint(f"credit in ({ACCOUNTS})", name="credit"),
        CheckConstraint("debit <> credit", name="between_two"),
        CheckConstraint("amount_fen > 0", name="amount"),
        Index("uq_ledger_entry_paid", "charge_id", unique=True, postgresql_where=text("kind = 'paid'")),
        Index("uq_ledger_entry_refunded", "refund_id", unique=True, postgresql_where=text("kind = 'refunded'")),
        Index("uq_ledger_entry_surplus", "attempt_id", unique=True, postgresql_where=text("kind = 'unallocated'")),
        Index("ix_ledger_entry_home_id", "home_id", "id"),
        Index("ix_ledger_entry_charge_id", "charge_id"),
    )


class PaymentOrder(InCompound, Base):
    """What a resident pays at once: one or more charges of one home, until ``expires_at``.

    state: open -> paid; open -> closed (closed_because "cancelled" or "expired") -> paid, when the money came too late
    and its charges were still open. Amount, home and payer never change.
    """

    __tablename__ = "payment_order"
    over = "opened_at"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    title: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_because: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("state in ('open','paid','closed')", name="state"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("(state = 'paid') = (paid_at is not null)", name="paid"),
        CheckConstraint("state <> 'open' or closed_at is null", name="open"),
        CheckConstraint("state <> 'closed' or closed_at is not null", name="closed"),
        CheckConstraint("(closed_at is null) = (closed_because is null)", name="closed_because"),
        CheckConstraint("closed_because in ('cancelled','expired')", name="because"),
        Index("ix_payment_order_home_id", "home_id", "id"),
        Index("ix_payment_order_compound_id", "compound_id", "id"),
        Index("ix_payment_order_open", "expires_at", postgresql_where=text("state = 'open'")),
    )


class PaymentOrderLine(InCompound, Base):
    """A charge in an order. live: the order is open or paid; a charge is in one live order at most."""

    __tablename__ = "payment_order_line"
    over = None

    order_id: Mapped[int] = mapped_column(ForeignKey("payment_order.id"), primary_key=True)
    charge_id: Mapped[int] = mapped_column(ForeignKey("charge.id"), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    live: Mapped[bool]

    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        Index("uq_payment_order_line_live", "charge_id", unique=True, postgresql_where=text("live")),
    )


class PaymentAttempt(InCompound, Base):
    """One try to pay an order through one channel, under a number of its own that the vendor knows it by.

    state: created (the vendor may not have heard of it) -> open -> paid | closing (its order no longer wants it) |
    closed; created -> refused. Money may still come when it is closed: it is then credited or goes back. credited:
    whether the payment paid its order. check_at: when the vendor is asked next. launch: what the client opens.
    """

    __tablename__ = "payment_attempt"
    over = "created_at"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("payment_order.id"))
    out_trade_no: Mapped[str] = mapped_column(Text, unique=True)
    vendor: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    app_id: Mapped[str] = mapped_column(Text)
    seller_id: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text, server_default="created")
    launch: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    check_at: Mapped[datetime | None]
    checks: Mapped[int] = mapped_column(Integer, server_default="0")
    refused_because: Mapped[str | None] = mapped_column(Text)
    transaction_id: Mapped[str | None] = mapped_column(Text)
    paid_at: Mapped[datetime | None]
    credited: Mapped[bool | None]
    refunding_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refunded_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    reconciled_on: Mapped[date | None] = mapped_column(Date)

    __table_args__ = (
        CheckConstraint("out_trade_no ~ '^[0-9A-Za-z_]{6,32}$'", name="out_trade_no"),
        CheckConstraint("vendor in ('wechat','alipay')", name="vendor"),
        CheckConstraint("starts_with(channel, vendor || '_')", name="channel"),
        CheckConstraint("state in ('created','open','closing','closed','refused','paid')", name="state"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("(state = 'paid') = (transaction_id is not null)", name="transaction"),
        CheckConstraint("(state = 'paid') = (paid_at is not null)", name="paid"),
        CheckConstraint("(state = 'paid') = (credited is not null)", name="credited"),
        CheckConstraint("(state = 'refused') = (refused_because is not null)", name="refused"),
        CheckConstraint("state <> 'open' or launch is not null", name="open"),
        CheckConstraint("state not in ('created','open','closing') or check_at is not null", name="checked"),
        CheckConstraint("refunding_fen >= 0 and refunded_fen >= 0", name="refunds_positive"),
        CheckConstraint("refunding_fen + refunded_fen <= amount_fen", name="refunds_within"),
        CheckConstraint("state = 'paid' or refunding_fen + refunded_fen = 0", name="refunds_of_paid"),
        Index("uq_payment_attempt_live", "order_id", unique=True, postgresql_where=text("state in ('created','open')")),
        Index("uq_payment_attempt_credited", "order_id", unique=True, postgresql_where=text("credited")),
        UniqueConstraint("vendor", "transaction_id"),
        Index("ix_payment_attempt_order_id", "order_id", "id"),
        Index("ix_payment_attempt_check_at", "check_at", postgresql_where=text("check_at is not null")),
        Index("ix_payment_attempt_paid", "vendor", "paid_at", postgresql_where=text("state = 'paid'")),
    )


class PaymentNotice(InCompound, Base):
    """A vendor's notification that was taken, by the vendor's own id of it: it is taken once."""

    __tablename__ = "payment_notice"
    over = "received_at"

    vendor: Mapped[str] = mapped_column(Text, primary_key=True)
    notice_id: Mapped[str] = mapped_column(Text, primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempt.id"))
    kind: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]

    __table_args__ = (Index("ix_payment_notice_attempt_id", "attempt_id"),)


class Refund(InCompound, Base):
    """Money that goes back to the payer of an attempt, under a number of its own: asking twice is asking once.

    charge_id: what it was paid for; None = nothing was owed when it came. state: asked -> sent (the vendor has it) ->
    done | failed (the vendor will not make it by itself; its amount stays reserved) -> done | asked (again, under the
    same number) | replaced (by the one whose ``replaces_id`` it is) | by_hand (the office paid it back; ``note``: how).
    """

    __tablename__ = "refund"
    over = "asked_at"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempt.id"))
    charge_id: Mapped[int | None] = mapped_column(ForeignKey("charge.id"))
    out_refund_no: Mapped[str] = mapped_column(Text, unique=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="asked")
    asked_at: Mapped[datetime]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    check_at: Mapped[datetime | None]
    checks: Mapped[int] = mapped_column(Integer, server_default="0")
    vendor_refund_id: Mapped[str | None] = mapped_column(Text)
    done_at: Mapped[datetime | None]
    failed_because: Mapped[str | None] = mapped_column(Text)
    reconciled_on: Mapped[date | None] = mapped_column(Date)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"), unique=True)
    note: Mapped[str | None] = mapped_column(Text)
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    __table_args__ = (
        CheckConstraint("out_refund_no ~ '^[0-9A-Za-z_]{6,32}$'", name="out_refund_no"),
        CheckConstraint("state in ('asked','sent','done','failed','replaced','by_hand')", name="state"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("(state in ('done','by_hand')) = (done_at is not null)", name="done"),
        CheckConstraint("(state = 'by_hand') = (note is not null)", name="by_hand"),
        CheckConstraint("state not in ('failed','replaced') or failed_because is not null", name="failed"),
        CheckConstraint("state not in ('asked','sent') or check_at is not null", name="checked"),
        Index("ix_refund_home_id", "home_id", "id"),
        Index("ix_refund_compound_id", "compound_id", "id"),
        Index("ix_refund_attempt_id", "attempt_id"),
        Index("ix_refund_charge_id", "charge_id"),
        Index("ix_refund_check_at", "check_at", postgresql_where=text("check_at is not null")),
    )


class ReceiptCounter(InCompound, Base):
    """The last number of a compound's receipts: locked while one is written, so that none is left out."""

    __tablename__ = "receipt_counter"

    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    last: Mapped[int]


class Receipt(InCompound, Base):
    """That an order was paid: numbered from 1 in each compound, without gaps."""

    __tablename__ = "receipt"
    over = "issued_at"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("payment_order.id"), unique=True)
    number: Mapped[int]
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    issued_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("compound_id", "number"),
        CheckConstraint("amount_fen > 0", name="amount"),
        Index("ix_receipt_home_id", "home_id", "id"),
    )


class InvoiceRequest(InCompound, Base):
    """A resident asks for the tax invoice (发票) of a receipt. title, tax_number: sealed.

    state: asked -> issued (with its number, over amount_fen) | rejected (it may be asked for anew).
    """

    __tablename__ = "invoice_request"
    over = "asked_at"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipt.id"))
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[bytes] = mapped_column(LargeBinary)
    tax_number: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, server_default="asked")
    invoice_number: Mapped[str | None] = mapped_column(Text)
    amount_fen: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text, server_default="")
    asked_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))

    __table_args__ = (
        CheckConstraint("kind in ('personal','company')", name="kind"),
        CheckConstraint("kind = 'personal' or tax_number is not null", name="company"),
        CheckConstraint("state in ('asked','issued','rejected')", name="state"),
        CheckConstraint("(state = 'issued') = (invoice_number is not null)", name="issued"),
        CheckConstraint("(state = 'issued') = (amount_fen is not null) and amount_fen > 0", name="amount"),
        CheckConstraint("(state = 'asked') = (settled_at is null)", name="settled"),
        Index("uq_invoice_request_live", "receipt_id", unique=True, postgresql_where=text("state <> 'rejected'")),
        Index("ix_invoice_request_home_id", "home_id", "id"),
        Index("ix_invoice_request_compound_id", "compound_id", "id"),
    )
