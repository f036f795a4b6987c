"""Table of notifications: each account that must be told of an alert, and when its push went out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class Notification(InCompound, Base):
    """One account to be told of one alert for one cause: written once, pushed after the commit.

    ``cause``: "raised", or "risen:<severity rank>", so that every rise is told once. ``delivered_at``: when the push
    provider took it; ``receipt``: the provider's own id of the push. Neither set: on its way, or dead in the outbox.
    ``arrived_at``, ``failed_at``: when a provider that reports back said that it reached a phone, or never will.
    """

    __tablename__ = "notification"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    alert_id: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    cause: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    receipt: Mapped[str | None] = mapped_column(Text)
    arrived_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("compound_id", "alert_id", "account_id", "cause"),
        Index("ix_notification_account_id", "account_id", text("created_at desc"), text("id desc")),
    )
