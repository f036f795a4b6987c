"""The table of homes' prepaid balances."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class PrepaidBalance(InCompound, Base):
    """The sum of a home's ``prepaid`` account in the ledger, in fen; never below zero.

    A trigger of the ledger keeps it, in the transaction of the entry. The application only locks it.
    """

    __tablename__ = "prepaid_balance"
    over = None

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"), unique=True)
    balance_fen: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("balance_fen >= 0", name="balance"),)
