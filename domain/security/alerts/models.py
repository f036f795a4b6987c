"""Tables of alerts: the alert itself and the append-only log of its changes that subscriptions read."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Integer, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import XID8, Base, InCompound


class AlertKind(StrEnum):
    """What an alert is about."""

    FIRE = "fire"
    SMOKE = "smoke"
    GAS = "gas"
    WATER_LEAK = "water_leak"
    DOOR_FORCED = "door_forced"
    DOOR_HELD_OPEN = "door_held_open"
    TAMPER = "tamper"
    DURESS = "duress"
    BODY_TEMPERATURE = "body_temperature"
    HEALTH_CODE = "health_code"
    REPEATED_REFUSAL = "repeated_refusal"
    EBIKE_MOVED = "ebike_moved"
    THROWN_OBJECT = "thrown_object"
    FIRE_LANE_BLOCKED = "fire_lane_blocked"


class Severity(StrEnum):
    """How bad, in rising order. Stored as 1..4; an open alert's severity can rise, never fall."""

    INFO = "info"
    WARNING = "warning"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """1 (info) to 4 (critical)."""
        return list(Severity).index(self) + 1


class Alert(InCompound, Base):
    """Something people must know. Active until cleared; acknowledged by a person or not: two independent facts.

    At most one alert is open (not cleared) per (source, kind); ``source`` is "device:12" or "ebike:7".
    ``explanation`` says which rule raised it, from which event, by which values. ``audience`` holds who is told:
    any of "home", "staff", "police". ``times``: how often the rule has fired while open.
    """

    __tablename__ = "alert"
    over = "cleared_at"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    severity: Mapped[int] = mapped_column(SmallInteger)
    device_id: Mapped[int | None] = mapped_column(Integer)
    home_id: Mapped[int | None] = mapped_column(Integer)
    place: Mapped[str] = mapped_column(Text, server_default="")
    audience: Mapped[list[str]] = mapped_column(JSONB)
    explanation: Mapped[dict[str, Any]]
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    event_at: Mapped[datetime | None]
    times: Mapped[int] = mapped_column(Integer, server_default="1")
    raised_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(Integer)
    assigned_to: Mapped[int | None] = mapped_column(Integer)
    cleared_at: Mapped[datetime | None]
    cleared_by: Mapped[int | None] = mapped_column(Integer)
    cleared_because: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("severity between 1 and 4", name="severity"),
        Index(
            "uq_alert_open",
            "compound_id",
            "source",
            "kind",
            unique=True,
            postgresql_where=text("cleared_at is null"),
        ),
        Index("ix_alert_compound", "compound_id", text("raised_at desc"), text("id desc")),
        Index("ix_alert_county", "county_id", text("raised_at desc"), text("id desc")),
        Index(
            "ix_alert_active",
            "county_id",
            text("raised_at desc"),
            text("id desc"),
            postgresql_where=text("cleared_at is null"),
        ),
        Index("ix_alert_home", "home_id", text("raised_at desc"), postgresql_where=text("home_id is not null")),
    )


class AlertChange(InCompound, Base):
    """One change of one alert, with the alert as it was then: the log that ``alertFeed`` replays and follows.

    ``change``: raised | repeated | risen | acknowledged | assigned | cleared. ``snapshot``: the alert's columns.
    """

    __tablename__ = "alert_change"
    over = "at"

    xid: Mapped[int] = mapped_column(XID8, primary_key=True, server_default=text("pg_current_xact_id()"))
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    alert_id: Mapped[int] = mapped_column(BigInteger)
    home_id: Mapped[int | None] = mapped_column(Integer)
    change: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    snapshot: Mapped[dict[str, Any]]

    __table_args__ = (Index("ix_alert_change_compound", "compound_id", "xid", "id"),)
