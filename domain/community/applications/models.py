"""Tables of applications: each application as it is now, and the append-only log that ``myRequests`` reads."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import XID8, Base, InCompound

KINDS = "kind in ('repair','housekeeping')"
STATES = "state in ('submitted','accepted','in_progress','handled','cancelled','rejected')"


class Application(InCompound, Base):
    """One thing a home asked for; ``kind`` and ``subject_id`` name the slice's own row behind it.

    title: a few words that people read. accepted_at: when somebody took it for the first time. closed_at: set while
    the state is one in which nothing more will come.
    """

    __tablename__ = "application"
    over = "submitted_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="submitted")
    submitted_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint(STATES, name="state"),
        CheckConstraint(
            "accepted_at is not null or state in ('submitted','cancelled','rejected')", name="accepted_first"
        ),
        CheckConstraint("(state in ('handled','cancelled','rejected')) = (closed_at is not null)", name="closed"),
        Index("uq_application_subject", "kind", "subject_id", unique=True),
        Index("ix_application_compound", "compound_id", text("submitted_at desc"), text("id desc")),
        Index("ix_application_county", "county_id", text("submitted_at desc"), text("id desc")),
        Index("ix_application_home", "home_id", text("submitted_at desc"), text("id desc")),
    )


class ApplicationChange(InCompound, Base):
    """One step of one application, with what a reader of the log needs of it: never changed afterwards.

    note: what whoever took the step said to the home, "" when nothing.
    """

    __tablename__ = "application_change"
    over = "submitted_at"

    xid: Mapped[int] = mapped_column(XID8, primary_key=True, server_default=text("pg_current_xact_id()"))
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    application_id: Mapped[int] = mapped_column(Integer)
    home_id: Mapped[int] = mapped_column(Integer)
    account_id: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    at: Mapped[datetime]
    submitted_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(KINDS, name="kind"),
        CheckConstraint(STATES, name="state"),
        Index("ix_application_change_compound", "compound_id", "xid", "id"),
        Index("ix_application_change_application", "application_id", "id"),
    )
