"""Tables of homes' meters and their readings."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class Meter(InCompound, Base):
    """A home's meter, from when it was put in until it is taken out."""

    __tablename__ = "meter"
    over = "ended_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("kind in ('water','electricity','gas')", name="kind"),
        Index("ix_meter_home_id", "home_id"),
        Index("ix_meter_compound_id", "compound_id", "id"),
    )


class MeterReading(InCompound, Base):
    """What a meter stood at in the evening of a day, in thousandths of a unit; one a day that is not rejected."""

    __tablename__ = "meter_reading"
    over = "created_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    read_on: Mapped[date]
    value: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    read_by: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    judged_by: Mapped[int | None] = mapped_column(Integer)
    judged_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("source in ('manual','device','vendor')", name="source"),
        CheckConstraint("state in ('accepted','to_confirm','rejected')", name="state"),
        CheckConstraint("value >= 0", name="value"),
        Index("uq_meter_reading_day", "meter_id", "read_on", unique=True, postgresql_where=text("state <> 'rejected'")),
        Index("ix_meter_reading_compound_id", "compound_id", "id"),
        Index("ix_meter_reading_home_id", "home_id"),
    )
