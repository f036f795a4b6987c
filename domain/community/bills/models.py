"""Tables of bills and of the accounts they name at suppliers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.community.payments.models import Charge
from domain.kernel.base import Base, InCompound

KINDS = "kind in ('water','electricity','gas','property')"


class BillAccount(InCompound, Base):
    """A home's account (户号) at a supplier. A bill that names it is this home's and no other's.

    ``number``: sealed; ``number_index``: its blind index, once in use for a kind in a compound. ``ask_at``: when its
    supplier is next asked for bills.
    """

    __tablename__ = "bill_account"
    over = "ended_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    kind: Mapped[str] = mapped_column(Text)
    institution: Mapped[str] = mapped_column(Text, server_default="")
    number: Mapped[bytes] = mapped_column(LargeBinary)
    number_index: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ask_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(KINDS, name="kind"),
        Index(
            "uq_bill_account_open",
            "compound_id",
            "kind",
            "number_index",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        Index("ix_bill_account_home_id", "home_id"),
        Index("ix_bill_account_ask_at", "ask_at", "id", postgresql_where=text("ended_at is null")),
    )


class Bill(InCompound, Base):
    """What a home owes for a period. ``lines`` add up to ``amount_fen``; late fee, discount and what the prepaid
    balance gave stand beside it, and ``charge_id`` is where it is paid: once that is held or paid, a trigger keeps its
    sums.

    source, source_key: the natural key in the compound, by which a bill that comes again is known. due_changes_on: the
    next day on which its sum may differ. corrects: the bill it corrects; a credit has a negative amount. said_fen:
    of a pulled bill, the amount its supplier named last, None = as it was issued; missing_since: when it was not listed
    first.
    """

    __tablename__ = "bill"
    over = "issued_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    kind: Mapped[str] = mapped_column(Text)
    bill_account_id: Mapped[int | None] = mapped_column(ForeignKey("bill_account.id"))
    source: Mapped[str] = mapped_column(Text)
    source_key: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    period_from: Mapped[date]
    period_to: Mapped[date]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    charged_late_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    late_fee_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    discount_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    prepaid_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    deadline: Mapped[date]
    late_daily: Mapped[int] = mapped_column(Integer, server_default="0")
    late_cap: Mapped[int] = mapped_column(Integer, server_default="0")
    grace_days: Mapped[int] = mapped_column(Integer, server_default="0")
    discount: Mapped[int] = mapped_column(Integer, server_default="0")
    discount_until: Mapped[date | None]
    due_changes_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(Text)
    charge_id: Mapped[int | None] = mapped_column(ForeignKey("charge.id"))
    corrects: Mapped[int | None] = mapped_column(ForeignKey("bill.id"))
    reason: Mapped[str] = mapped_column(Text, server_default="")
    issued_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    said_fen: Mapped[int | None] = mapped_column(BigInteger)
    missing_since: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint("source in ('office','import','pulled','correction')", name="source"),
        CheckConstraint("state in ('issued','settled','replaced','written_off','withdrawn')", name="state"),
        CheckConstraint("state in ('issued','settled') or closed_at is not null", name="closed"),
        CheckConstraint("amount_fen > 0 or (state = 'settled' and corrects is not null)", name="amount"),
        CheckConstraint(
            "charged_late_fen >= 0 and late_fee_fen >= 0 and discount_fen >= 0 and prepaid_fen >= 0", name="parts"
        ),
        CheckConstraint("amount_fen < 0 or amount_fen + late_fee_fen >= discount_fen + prepaid_fen", name="total"),
        CheckConstraint("period_from <= period_to", name="period"),
        Index("uq_bill_source", "compound_id", "source", "source_key", unique=True),
        Index("uq_bill_corrects", "corrects", unique=True),
        Index("ix_bill_home_id", "home_id", "id"),
        Index("ix_bill_compound_id", "compound_id", "id"),
        Index("ix_bill_charge_id", "charge_id"),
        Index(
            "ix_bill_due_changes_on",
            "due_changes_on",
            "id",
            postgresql_where=text("state = 'issued' and due_changes_on is not null"),
        ),
    )

    @classmethod
    def concerns(cls, since: datetime) -> ColumnElement[bool]:
        """A bill that was still to be paid then is asked of who lives there now, as its charge is."""
        asked = select(Charge.id).where(Charge.id == cls.charge_id, Charge.concerns(since))
        return or_(super().concerns(since), asked.correlate(cls).exists())
