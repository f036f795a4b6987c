"""Tables of reconciliation: the differences somebody must look at, and the days that were held against the ledger."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class ReconciliationItem(InCompound, Base):
    """Something about money that a person must look at: what the vendor says is not what stands here.

    ours_fen, theirs_fen: the amounts, where there are any. day: in Beijing time. settled once, with a note. vendor:
    "supplier" when it is the supplier of a bill who says so: out_trade_no is then the bill's natural key, with its kind
    and supplier, and transaction_id the bill's id here.
    """

    __tablename__ = "reconciliation_item"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    vendor: Mapped[str] = mapped_column(Text)
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(Text)
    out_trade_no: Mapped[str] = mapped_column(Text)
    out_refund_no: Mapped[str] = mapped_column(Text, server_default="")
    transaction_id: Mapped[str] = mapped_column(Text, server_default="")
    ours_fen: Mapped[int | None] = mapped_column(BigInteger)
    theirs_fen: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    opened_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    note: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = (
        CheckConstraint("vendor in ('wechat','alipay','supplier')", name="vendor"),
        CheckConstraint("state in ('open','settled')", name="state"),
        CheckConstraint("(state = 'settled') = (settled_at is not null)", name="settled"),
        UniqueConstraint("vendor", "day", "kind", "out_trade_no", "out_refund_no", "transaction_id"),
        Index("ix_reconciliation_item_compound_id", "compound_id", "id"),
        Index(
            "ix_reconciliation_item_failed",
            "out_refund_no",
            postgresql_where=text("kind = 'refund_failed' and state = 'open'"),
        ),
    )


class Reconciliation(Base):
    """A vendor's bill of one day that was held against the ledger. foreign_lines: of trades that are not ours."""

    __tablename__ = "reconciliation"

    vendor: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    lines: Mapped[int]
    matched: Mapped[int]
    differences: Mapped[int]
    foreign_lines: Mapped[int]
    paid_fen: Mapped[int] = mapped_column(BigInteger)
    refunded_fen: Mapped[int] = mapped_column(BigInteger)
    done_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("vendor in ('wechat','alipay')", name="vendor"),)
