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
    over = None

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


class Series(InCompound, Base):
    """Bookings that recur; each is a booking of its own. ``every``: see ``calendar.Every``."""

    __tablename__ = "housekeeping_series"
    over = "created_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    service_id: Mapped[int] = mapped_column(ForeignKey("housekeeping_service.id"))
    every: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("every in ('week','fortnight','month')", name="every"),)


class Booking(InCompound, Base):
    """A time of a worker in a home.

    quantity: minutes, visits or square metres, by the service's unit. price_fen: what it costs; of an hourly service
    what was booked until it is done, then what was worked. address: where to, for the worker, who sees no homes.
    charge_id: what the home owes for it; an hourly service has none before it is done. fee_fen: for a late
    cancellation. by_office: who cancelled.
    """

    __tablename__ = "housekeeping_booking"
    over = "created_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    service_id: Mapped[int] = mapped_column(ForeignKey("housekeeping_service.id"))
    worker_id: Mapped[int] = mapped_column(ForeignKey("housekeeping_worker.id"))
    worker_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    hold_id: Mapped[int] = mapped_column(ForeignKey("housekeeping_hold.id"))
    series_id: Mapped[int | None] = mapped_column(ForeignKey("housekeeping_series.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    quantity: Mapped[int] = mapped_column(Integer)
    address: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, server_default="")
    state: Mapped[str] = mapped_column(Text, server_default="booked")
    price_fen: Mapped[int] = mapped_column(Integer)
    fee_fen: Mapped[int] = mapped_column(Integer, server_default="0")
    charge_id: Mapped[int | None] = mapped_column(Integer)
    application_id: Mapped[int] = mapped_column(Integer)
    free_until: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    checked_in_at: Mapped[datetime | None]
    checked_out_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    by_office: Mapped[bool] = mapped_column(server_default=text("false"))
    stars: Mapped[int | None] = mapped_column(SmallInteger)
    review: Mapped[str] = mapped_column(Text, server_default="")
    rated_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state in ('booked','under_way','done','cancelled')", name="state"),
        CheckConstraint("(state in ('under_way','done')) = (checked_in_at is not null)", name="checked_in"),
        CheckConstraint("(state = 'done') = (checked_out_at is not null)", name="checked_out"),
        CheckConstraint("(state = 'cancelled') = (cancelled_at is not null)", name="cancelled"),
        CheckConstraint("fee_fen >= 0 and fee_fen <= price_fen and (fee_fen = 0 or state = 'cancelled')", name="fee"),
        CheckConstraint("(stars is null) = (rated_at is null) and (stars is null or state = 'done')", name="rated"),
        CheckConstraint("stars between 1 and 5", name="stars"),
        Index("ix_housekeeping_booking_home_id", "home_id", "id"),
        Index("ix_housekeeping_booking_compound_id", "compound_id", "id"),
        Index("ix_housekeeping_booking_worker", "worker_account_id", "id"),
        Index("ix_housekeeping_booking_worker_id", "worker_id"),
        Index("ix_housekeeping_booking_series_id", "series_id", postgresql_where=text("series_id is not null")),
    )
