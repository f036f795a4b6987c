"""Tables of sightings: where and when a subject was seen, and tags now in front of a reader."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, PrimaryKeyConstraint, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class Sighting(InCompound, Base):
    """A subject seen by a device, by month. ``subject_kind``: "tag", "plate", "card" or "person".

    ``subject``: sealed; ``subject_index``: the blind index of kind and subject, by which it is found.
    For tags ``at`` is when it came into the reader's field and ``left_at`` when it was gone; ``antenna`` and
    ``rssi_dbm`` are of the strongest read. ``home_id``: the home the subject is registered to, when it is.
    """

    __tablename__ = "sighting"
    over = "at"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    subject_kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[bytes] = mapped_column(LargeBinary)
    subject_index: Mapped[bytes] = mapped_column(LargeBinary)
    device_id: Mapped[int] = mapped_column(Integer)
    home_id: Mapped[int | None] = mapped_column(Integer)
    direction: Mapped[str | None] = mapped_column(Text)
    left_at: Mapped[datetime | None]
    antenna: Mapped[int | None] = mapped_column(SmallInteger)
    rssi_dbm: Mapped[int | None] = mapped_column(SmallInteger)
    reads: Mapped[int] = mapped_column(Integer, server_default="1")
    event_id: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        PrimaryKeyConstraint("compound_id", "at", "id"),
        Index("ix_sighting_subject", "subject_index", text("at desc"), text("id desc")),
        {"postgresql_partition_by": "RANGE (at)"},
    )


class TagPresence(InCompound, Base):
    """A tag in front of a reader right now; folded into its sighting until it is silent for the gone-window.

    ``tag``: sealed; ``tag_index``: its blind index.
    Updated with every batch of reads, so no index but the key: updates stay within their page (HOT).
    """

    __tablename__ = "tag_presence"

    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    device_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    tag_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    tag: Mapped[bytes] = mapped_column(LargeBinary)
    sighting_id: Mapped[int] = mapped_column(BigInteger)
    entered_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    heard_at: Mapped[datetime]
    antenna: Mapped[int | None] = mapped_column(SmallInteger)
    rssi_dbm: Mapped[int | None] = mapped_column(SmallInteger)
    reads: Mapped[int] = mapped_column(Integer)
