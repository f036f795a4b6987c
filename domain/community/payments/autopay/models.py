"""Tables of auto-pay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class Autopay(InCompound, Base):
    """A resident has what a home owes paid by itself, by an agreement with a vendor that is known by ``number``.

    kinds: of charges that are paid. Limits in fen, of one payment and of a calendar month. state: pending (not
    signed at the vendor yet, until ``expires_at``) -> active <-> paused -> ended. A home has one that is not ended.
    check_at: when the vendor is asked next whether it was signed, or is told that it has ended.
    """

    __tablename__ = "autopay"
    over = "closed_at"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    vendor: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text, unique=True)
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    limit_fen: Mapped[int] = mapped_column(BigInteger)
    monthly_limit_fen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text, server_default="pending")
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    check_at: Mapped[datetime | None]
    checks: Mapped[int] = mapped_column(Integer, server_default="0")
    signed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_because: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("vendor in ('wechat','alipay')", name="vendor"),
        CheckConstraint("number ~ '^[0-9A-Za-z_]{6,32}$'", name="number"),
        CheckConstraint(
            "kinds <@ array['property','water','electricity','gas','repair','booking']::text[]"
            " and cardinality(kinds) > 0",
            name="kinds",
        ),
        CheckConstraint("limit_fen > 0 and limit_fen <= monthly_limit_fen", name="limits"),
        CheckConstraint("state in ('pending','active','paused','ended')", name="state"),
        CheckConstraint("state <> 'pending' or (check_at is not null and signed_at is null)", name="pending"),
        CheckConstraint("state not in ('active','paused') or signed_at is not null", name="signed"),
        CheckConstraint("(state = 'ended') = (closed_at is not null)", name="ended"),
        CheckConstraint("(closed_at is null) = (closed_because is null)", name="closed_because"),
        CheckConstraint("closed_because in ('resident','vendor','left','never_signed')", name="because"),
        Index("uq_autopay_live", "home_id", unique=True, postgresql_where=text("state <> 'ended'")),
        Index("ix_autopay_home_id", "home_id", "id"),
        Index("ix_autopay_check_at", "check_at", postgresql_where=text("check_at is not null")),
    )


class AutopayPlan(InCompound, Base):
    """A charge that auto-pay will take at ``take_at``, as its home was told at ``told_at``: at most ``amount_fen``.

    state: planned -> trying (``order_id`` pays it) -> paid, or planned again; settled: it was paid by hand or is owed
    no longer; skipped: somebody of the home said so, or auto-pay ended; failed: it is left to be paid by hand. why: of
    what was not taken, or not yet. tries: payments begun, and amounts told anew.
    """

    __tablename__ = "autopay_plan"
    over = "take_at"

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    autopay_id: Mapped[int] = mapped_column(ForeignKey("autopay.id"))
    charge_id: Mapped[int] = mapped_column(ForeignKey("charge.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    take_at: Mapped[datetime]
    told_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text, server_default="planned")
    why: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    order_id: Mapped[int | None] = mapped_column(ForeignKey("payment_order.id"))

    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("state in ('planned','trying','paid','settled','skipped','failed')", name="state"),
        CheckConstraint("state not in ('trying','paid') or order_id is not null", name="order"),
        CheckConstraint("state <> 'failed' or why is not null", name="failed"),
        CheckConstraint("why in ('over_limit','over_month','raised','declined','unheard')", name="why"),
        UniqueConstraint("autopay_id", "charge_id"),
        Index("ix_autopay_plan_home_id", "home_id", "id"),
        Index("ix_autopay_plan_charge_id", "charge_id"),
        Index("ix_autopay_plan_take_at", "take_at", postgresql_where=text("state = 'planned'")),
        Index("ix_autopay_plan_trying", "id", postgresql_where=text("state = 'trying'")),
        Index("ix_autopay_plan_order_id", "order_id", postgresql_where=text("order_id is not null")),
    )
