"""Tables of the estate: areas of four levels in one tree, buildings and homes of a compound."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound, Ltree


class CompoundKind(StrEnum):
    """Closed: gates, barriers and e-bike readers. Open: cameras at the edges form a virtual enclosure."""

    CLOSED = "closed"
    OPEN = "open"


class Area(Base):
    """A county, town, community or compound.

    ``path`` is the ltree of ids from the county down ("1.4.9.22"). The four ``*_id`` columns name the area's
    ancestors and itself at its own level; deeper ones are null. ``kind`` and ``timezone`` belong to compounds.
    """

    __tablename__ = "area"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    level: Mapped[str] = mapped_column(Text)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    path: Mapped[str] = mapped_column(Ltree)
    name: Mapped[str] = mapped_column(Text)
    county_id: Mapped[int] = mapped_column(Integer)
    town_id: Mapped[int | None] = mapped_column(Integer)
    community_id: Mapped[int | None] = mapped_column(Integer)
    compound_id: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str | None] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text, server_default="Asia/Shanghai")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    __table_args__ = (
        CheckConstraint("level in ('county','town','community','compound')", name="level"),
        CheckConstraint("(level = 'compound') = (kind is not null)", name="kind_of_compound"),
        CheckConstraint("kind is null or kind in ('closed','open')", name="kind"),
        CheckConstraint("(level = 'county') = (parent_id is null)", name="root"),
        UniqueConstraint("parent_id", "name"),
        Index("ix_area_path", "path", postgresql_using="gist"),
        Index("ix_area_county_id", "county_id", "id"),
    )


class Building(InCompound, Base):
    """A building of a compound."""

    __tablename__ = "building"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("compound_id", "name"),)


class Home(InCompound, Base):
    """A home: a door in a building, the unit bills, alerts and residents belong to."""

    __tablename__ = "home"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    building_id: Mapped[int] = mapped_column(ForeignKey("building.id"))
    unit: Mapped[str] = mapped_column(Text)
    door: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("building_id", "unit", "door"),
        Index("ix_home_compound_id", "compound_id"),
    )
