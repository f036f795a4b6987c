"""Tables of fee rules and of the areas homes are charged by."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.community.bills.models import KINDS
from domain.kernel.base import Base, InCompound


class FeeRule(InCompound, Base):
    """What the office charges every home of a compound. Never changed: it ends, and another begins.

    tiers: [{"up_to", "rate"}], as ``fees.rules`` counts them. late_daily, late_cap, discount: millionths.
    """

    __tablename__ = "fee_rule"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    tiers: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    period_months: Mapped[int] = mapped_column(Integer, server_default="1")
    starts_on: Mapped[date]
    due_days: Mapped[int] = mapped_column(Integer, server_default="30")
    late_daily: Mapped[int] = mapped_column(Integer, server_default="0")
    late_cap: Mapped[int] = mapped_column(Integer, server_default="0")
    grace_days: Mapped[int] = mapped_column(Integer, server_default="0")
    discount: Mapped[int] = mapped_column(Integer, server_default="0")
    discount_days: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint("basis in ('area','home','meter')", name="basis"),
        CheckConstraint("basis <> 'meter' or kind <> 'property'", name="metered"),
        CheckConstraint("period_months in (1,2,3,6,12)", name="period"),
        CheckConstraint("late_daily >= 0 and late_cap >= 0 and discount between 0 and 1000000", name="shares"),
        CheckConstraint("due_days >= 0 and grace_days >= 0 and discount_days >= 0", name="days"),
        Index("ix_fee_rule_compound_id", "compound_id", "id"),
    )


class FeeArea(InCompound, Base):
    """The floor area a home is charged by, in thousandths of a square metre."""

    __tablename__ = "fee_area"
    over = None

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"), unique=True)
    square_milli: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("square_milli > 0", name="area"),
        Index("ix_fee_area_compound_id", "compound_id", "id"),
    )
