"""Tables of housekeeping: providers, their price lists, workers and hours; who is busy when; bookings and series."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class Provider(InCompound, Base):
    """A firm that cleans in a compound. ``licence``: its unified social credit code, or "".

    ``contact``: how it is reached.
    """

    __tablename__ = "housekeeping_provider"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(Text)
    licence: Mapped[str] = mapped_column(Text, server_default="")
    contact: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_housekeeping_provider_open",
            "compound_id",
            "name",
            unique=True,
            postgresql_where=text("retired_at is null"),
        ),
    )


class Service(InCompound, Base):
    """An entry of a provider's price list. It is retired, never changed: what was booked keeps its price and rules."""

    __tablename__ = "housekeeping_service"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("housekeeping_provider.id"))
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    unit: Mapped[str] = mapped_column(Text)
    price_fen: Mapped[int] = mapped_column(Integer)
    minimum_fen: Mapped[int] = mapped_column(Integer, server_default="0")
    minutes: Mapped[int] = mapped_column(Integer)
    pace: Mapped[int | None] = mapped_column(Integer)
    free_hours: Mapped[int] = mapped_column(Integer, server_default="24")
    late_percent: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("unit in ('hour','visit','square_metre')", name="unit"),
        CheckConstraint("(unit = 'square_metre') = (pace is not null)", name="pace"),
        CheckConstraint("price_fen > 0 and minimum_fen >= 0", name="price"),
        CheckConstraint("late_percent between 0 and 100", name="late_percent"),
        Index(
            "uq_housekeeping_service_open",
            "provider_id",
            "name",
            unique=True,
            postgresql_where=text("retired_at is null"),
        ),
    )


class Worker(InCompound, Base):
    """Somebody who works for a provider. ``name``: what residents call them. ``stars``: the sum of ``ratings``."""

    __tablename__ = "housekeeping_worker"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("housekeeping_provider.id"))
    worker_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str] = mapped_column(Text)
    ratings: Mapped[int] = mapped_column(Integer, server_default="0")
    stars: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_housekeeping_worker_provider_id", "provider_id"),
        Index(
            "uq_housekeeping_worker_open",
            "compound_id",
            "worker_account_id",
            unique=True,
            postgresql_where=text("retired_at is null"),
        ),
    )


class ShiftRow(InCompound, Base):
    """Working hours on one day of the week, in minutes of the local day. Those of a worker do not overlap."""

    __tablename__ = "housekeeping_shift"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("housekeeping_worker.id"))
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (
        CheckConstraint("weekday between 1 and 7", name="weekday"),
        CheckConstraint("opens >= 0 and opens < closes and closes <= 1440", name="hours"),
        ExcludeConstraint(
            ("worker_id", "="),
            ("weekday", "="),
            (func.int4range(text("opens"), text("closes")), "&&"),
            name="ex_housekeeping_shift_overlap",
            using="gist",
        ),
    )


class Hold(InCompound, Base):
    """A time in which somebody is busy, in whatever compound: a booking's (with its home) or an absence's (without).

    The one place that decides who gets a time: two that are not removed never overlap for one account.
    """

    __tablename__ = "housekeeping_hold"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    worker_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    home_id: Mapped[int | None] = mapped_column(ForeignKey("home.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="span"),
        ExcludeConstraint(
            ("worker_account_id", "="),
            (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
            where=text("removed_at is null"),
            name="ex_housekeeping_hold_overlap",
            using="gist",
        ),
    )


class Absence(InCompound, Base):
    """A time in which a worker is not there: a holiday, an illness; which of them nobody asks."""

    __tablename__ = "housekeeping_absence"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    worker_id: Mapped[int] = mapped_column(ForeignKey("housekeeping_worker.id"))
    worker_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    hold_id: Mapped[int] = mapped_column(ForeignKey("housekeeping_hold.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    removed_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_housekeeping_absence_worker_id", "worker_id", "starts_at"),)
