"""Tables of devices: the registry, their credentials and their liveness."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class DeviceKind(StrEnum):
    """What a device is."""

    GATE = "gate"
    BARRIER_CAMERA = "barrier_camera"
    CAMERA = "camera"
    RFID_READER = "rfid_reader"
    SMOKE = "smoke"
    GAS = "gas"
    WATER_LEAK = "water_leak"
    CONTACT = "contact"
    GATEWAY = "gateway"


class Vendor(StrEnum):
    """Whose messages a device speaks; names a folder under ``integrations/devices``."""

    ZHIAN = "zhian"
    HIKVISION = "hikvision"
    ZIGBEE2MQTT = "zigbee2mqtt"
    TASMOTA = "tasmota"
    THINGSBOARD = "thingsboard"
    CTWING = "ctwing"
    IMPINJ = "impinj"
    ZEBRA = "zebra"


class Device(InCompound, Base):
    """A registered device.

    ``home_id``: set when it guards one home. ``place``: words for people ("东门入口"). ``zone``: "gate", "fire_lane",
    "corridor", ... used by rules. ``gateway_id``, ``external_id``: a sensor behind a hub, by the hub's own name for it.
    ``direction``: which way a passage at it goes ("in", "out" or null when the message says).
    ``heartbeat_seconds``: expected heartbeat, null when the device sends none.
    """

    __tablename__ = "device"
    over = "retired_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int | None] = mapped_column(ForeignKey("home.id"))
    building_id: Mapped[int | None] = mapped_column(ForeignKey("building.id"))
    gateway_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"))
    external_id: Mapped[str | None] = mapped_column(Text)
    vendor: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(Text, server_default="")
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text, server_default="")
    zone: Mapped[str] = mapped_column(Text, server_default="")
    direction: Mapped[str | None] = mapped_column(Text)
    heartbeat_seconds: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("direction is null or direction in ('in','out')", name="direction"),
        Index("ix_device_compound_id", "compound_id", "id"),
        Index("uq_device_behind_gateway", "gateway_id", "external_id", unique=True),
    )


class DeviceCredential(Base):
    """A device's secret, at rest only as what checks it.

    ``secret_hash``: sha256 of the Bearer token, the password of Basic and MQTT. ``digest_sha256``: the HA1 of HTTP
    Digest, sealed; null when it was made before there was one. ``digest_md5`` (the HA1 with MD5, sealed) and
    ``path_hash`` (sha256 of the path secret) are null unless the device was registered for that weak way. Rotation
    leaves the old one valid until ``expires_at``.
    """

    __tablename__ = "device_credential"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    digest_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest_md5: Mapped[bytes | None] = mapped_column(LargeBinary)
    path_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_device_credential_device_id", "device_id"),)


class DeviceLiveness(InCompound, Base):
    """When a device was last heard, its clock drift and the gaps in its record numbers.

    ``last_serial``: the newest live record's number; ``first_previous``: the number its last batch says came before.
    """

    __tablename__ = "device_liveness"

    device_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    heard_at: Mapped[datetime]
    drift_ms: Mapped[int | None] = mapped_column(BigInteger)
    clock_suspect: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    last_serial: Mapped[int | None] = mapped_column(BigInteger)
    first_previous: Mapped[int | None] = mapped_column(BigInteger)
    lost_records: Mapped[int] = mapped_column(BigInteger, server_default="0")


class DeviceProperty(InCompound, Base):
    """The last known value of one property of a device, so that repeats are not events (edge detection)."""

    __tablename__ = "device_property"

    device_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    compound_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[Any] = mapped_column(Text)
    changed_at: Mapped[datetime]
