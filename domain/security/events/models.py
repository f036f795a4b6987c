"""Tables of ingest: raw messages, the inbox of vendor keys, events and the exact tally.

received = stored + duplicate + quarantined, always: ``IngestTally`` rows are written in the same transaction as what
they count.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import XID8, Base, InCompound


class RawMessage(InCompound, Base):
    """A message as its device sent it (pictures cut out), sealed, kept for a short time, by month of arrival."""

    __tablename__ = "raw_message"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(Integer)
    channel: Mapped[str] = mapped_column(Text)
    content_type: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        PrimaryKeyConstraint("compound_id", "received_at", "id"),
        {"postgresql_partition_by": "RANGE (received_at)"},
    )


class Inbox(Base):
    """The vendor's own key of a record: decides duplicates, and says which event the first one became.

    Not partitioned: a retry may carry another time. ``event_id`` is null for reads folded into an open sighting.
    """

    __tablename__ = "inbox"

    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    key: Mapped[Any] = mapped_column(UUID(as_uuid=True), primary_key=True)
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    event_at: Mapped[datetime | None]
    received_on: Mapped[date] = mapped_column(Date, server_default=text("current_date"))


class Event(InCompound, Base):
    """Something a device observed.

    ``at`` places the event in history: ``occurred_at`` (the device's clock), or ``received_at`` when that clock cannot
    be believed. ``late``: back-filled; stored, but raises nothing and opens nothing. ``attributes`` says what happened,
    ``personal`` to whom: a sealed JSON object (``events.sealed``). ``xid`` with ``id`` is the log cursor.
    """

    __tablename__ = "event"
    over = "at"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(Integer)
    home_id: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Text)
    occurred_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    late: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    clock_suspect: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    attributes: Mapped[dict[str, Any]]
    personal: Mapped[bytes | None] = mapped_column(LargeBinary)
    raw_id: Mapped[int | None] = mapped_column(BigInteger)
    xid: Mapped[int] = mapped_column(XID8, server_default=text("pg_current_xact_id()"))

    __table_args__ = (
        PrimaryKeyConstraint("compound_id", "at", "id"),
        Index("ix_event_device", "device_id", text("at desc"), text("id desc")),
        Index(
            "ix_event_home", "home_id", text("at desc"), text("id desc"), postgresql_where=text("home_id is not null")
        ),
        Index("ix_event_log", "xid", "id"),
        {"postgresql_partition_by": "RANGE (at)"},
    )


class Quarantined(InCompound, Base):
    """A record that could not become an event: the reason code, a sealed detail, and where its raw message is."""

    __tablename__ = "quarantined"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    device_id: Mapped[int] = mapped_column(Integer)
    raw_id: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (Index("ix_quarantined_device", "device_id", text("id desc")),)


class IngestTally(Base):
    """Records of one committed flush. Sums are the ingest metrics; old rows are folded into one."""

    __tablename__ = "ingest_tally"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    channel: Mapped[str] = mapped_column(Text)
    received: Mapped[int] = mapped_column(BigInteger)
    stored: Mapped[int] = mapped_column(BigInteger)
    duplicate: Mapped[int] = mapped_column(BigInteger)
    quarantined: Mapped[int] = mapped_column(BigInteger)
    late: Mapped[int] = mapped_column(BigInteger)


class RuleRetry(Base):
    """A batch whose instant rule failed: its events wait here to be judged again."""

    __tablename__ = "rule_retry"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    rule: Mapped[str] = mapped_column(Text)
    compound_id: Mapped[int] = mapped_column(Integer)
    event_id: Mapped[int] = mapped_column(BigInteger)
    event_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    error: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    done_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("rule", "compound_id", "event_id"),
        Index("ix_rule_retry_open", "id", postgresql_where=text("done_at is null")),
    )


class Picture(InCompound, Base):
    """A picture of an event: re-encoded, stored by the sha256 of its stored bytes, gone after ``expires_at``."""

    __tablename__ = "picture"

    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    event_at: Mapped[datetime]
    name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime]

    __table_args__ = (Index("ix_picture_expires_at", "expires_at"), Index("ix_picture_sha256", "sha256"))
