"""Tables of what homes owe, and of the ledger."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound

ACCOUNTS = (
    "'receivable', 'income', 'clearing_wechat', 'clearing_alipay', 'refunds', 'unallocated', 'prepaid'"  # of a CHECK
)


class Charge(InCompound, Base):
    """One amount that a home owes, in fen. subject, subject_id: the bill, repair or booking it was opened for.

    state: open -> held (an order pays it) -> paid, or back to open; open -> void. refunding_fen: asked back and not
    yet made; with ``refunded_fen`` it never exceeds the amount.
    """

    __tablename__ = "charge"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
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
        CheckConstraint("state in ('open','held','paid','void')", name="state"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("(state = 'paid') = (paid_at is not null)", name="paid"),
        CheckConstraint("refunding_fen >= 0 and refunded_fen >= 0", name="refunds_positive"),
        CheckConstraint("refunding_fen + refunded_fen <= amount_fen", name="refunds_within"),
        CheckConstraint("state = 'paid' or refunding_fen + refunded_fen = 0", name="refunds_of_paid"),
        Index("uq_charge_live", "subject", "subject_id", unique=True, postgresql_where=text("state <> 'void'")),
        Index("ix_charge_home_id", "home_id", "id"),
        Index("ix_charge_compound_id", "compound_id", "id"),
    )


class LedgerEntry(InCompound, Base):
    """An amount that moves from one account (credit) to another (debit): whatever stands here sums to zero.

    Receivable and prepaid are of the home, clearing of the vendor. kind: "opened" and "reduced" of a charge; "paid",
    at most once of a charge; "unallocated": money that came when nothing was owed any more, and goes back;
    "refunded", at most once of a refund. The application adds entries and never changes them.
    """

    __tablename__ = "ledger_entry"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    kind: Mapped[str] = mapped_column(Text)
    debit: Mapped[str] = mapped_column(Text)
    credit: Mapped[str] = mapped_column(Text)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    charge_id: Mapped[int | None] = mapped_column(ForeignKey("charge.id"))
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("kind in ('opened','reduced','paid','unallocated','refunded')", name="kind"),
        CheckConstraint(f"debit in ({ACCOUNTS})", name="debit"),
        CheckConstraint(f"credit in ({ACCOUNTS})", name="credit"),
        CheckConstraint("debit <> credit", name="between_two"),
        CheckConstraint("amount_fen > 0", name="amount"),
        Index("uq_ledger_entry_paid", "charge_id", unique=True, postgresql_where=text("kind = 'paid'")),
        Index("ix_ledger_entry_home_id", "home_id", "id"),
        Index("ix_ledger_entry_charge_id", "charge_id"),
    )
