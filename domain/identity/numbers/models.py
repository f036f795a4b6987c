"""Table of lost numbers that are being moved."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base


class NumberMove(Base):
    """An account shall get another number, which its holder has yet to confirm. One open move per account.

    phone_index: of the new number, as ``account.phone_index``. vouchers: the accounts of the keepers who asked for it.
    outcome, once closed: "moved", "in_use" (somebody signs in by the number), "refused" (by the account's holder),
    "replaced" (by a move to another number, or the holder changed it themselves).
    """

    __tablename__ = "number_move"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    phone_index: Mapped[bytes] = mapped_column(LargeBinary)
    vouchers: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("outcome in ('moved','in_use','refused','replaced')", name="outcome"),
        CheckConstraint("(outcome is null) = (closed_at is null)", name="closed"),
        Index("uq_number_move_open", "account_id", unique=True, postgresql_where=text("closed_at is null")),
        Index("ix_number_move_phone_index", "phone_index", postgresql_where=text("closed_at is null")),
        Index("ix_number_move_expires_at", "expires_at"),
    )
