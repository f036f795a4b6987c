"""GraphQL types of devices."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import strawberry

from api.context import Info
from api.estate.types import Area, Home, area_of, home_of
from api.nodes import Node, global_id
from api.permissions import sees
from api.security import loaders
from domain.identity.policies import place_of
from domain.kernel.uow import AnyRow
from domain.security.devices.models import DeviceKind, Vendor
from domain.security.devices.secrets import WeakWay


@strawberry.enum(description="Which way a passage at it goes. 通行方向。")
class Direction(StrEnum):
    """In or out."""

    IN = "in"
    OUT = "out"


@strawberry.type(description="Whether a device is heard. 设备在线情况。")
class Liveness:
    """``lost_records``: records whose numbers were skipped. ``drift_ms``: our clock minus the device's."""

    heard_at: datetime
    drift_ms: float | None
    clock_suspect: bool
    lost_records: float


@strawberry.type(description="A registered device. 设备。")
class Device(Node):
    """One device."""

    name: str
    kind: DeviceKind
    vendor: Vendor
    model: str
    place: str
    zone: str
    direction: Direction | None
    external_id: str | None
    heartbeat_seconds: int | None
    created_at: datetime
    retired_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="The compound it stands in. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)

    @strawberry.field(description="The home it guards, if visible. 所属住户（如可见）。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)

    @strawberry.field(description="The hub it is behind. 所属网关。")
    async def gateway(self, info: Info) -> Device | None:
        return await device_of(info, self.row.gateway_id)

    @strawberry.field(description="When it was last heard; null for residents. 在线情况（住户不可见）。")
    async def liveness(self, info: Info) -> Liveness | None:
        row = await info.context.loaders.one(loaders.liveness, self.row.id)
        if row is None:
            return None
        return Liveness(
            heard_at=row.heard_at,
            drift_ms=row.drift_ms,
            clock_suspect=row.clock_suspect,
            lost_records=row.lost_records,
        )

    @strawberry.field(description="Weak ways in; null for those who keep no devices. 弱认证方式。")
    async def weak_ways(self, info: Info) -> list[WeakWay] | None:
        if not sees(info.context.actor, "Device.weakWays", own=False, places=(place_of(self.row),)):
            return None
        return await info.context.loaders.one(loaders.weak_ways, self.row.id) or []


@strawberry.type(description="A device's secret, told this once. 设备凭证（仅显示一次）。")
class DeviceSecret:
    """How the device signs in: Bearer token, or password with its id as user name.

    ``secret_push_url``: only of a device registered for it. ``weak_ways``: the weak ways in that it opens, and
    ``warnings``, in the caller's language, what is to be known about each.
    """

    username: str
    credential: str
    push_url: str
    secret_push_url: str | None
    mqtt_topic: str
    weak_ways: list[WeakWay]
    warnings: list[str]


@strawberry.type(description="A device that was registered. 已注册的设备。")
class RegisteredDevice:
    """``secret`` is null for a device behind a gateway: it speaks through that."""

    device: Device
    secret: DeviceSecret | None


def device(row: AnyRow) -> Device:
    """The GraphQL object of a device row."""
    return Device(
        id=global_id("Device", row.id),
        name=row.name,
        kind=DeviceKind(row.kind),
        vendor=Vendor(row.vendor),
        model=row.model,
        place=row.place,
        zone=row.zone,
        direction=Direction(row.direction) if row.direction is not None else None,
        external_id=row.external_id,
        heartbeat_seconds=row.heartbeat_seconds,
        created_at=row.created_at,
        retired_at=row.retired_at,
        row=row,
    )


async def device_of(info: Info, device_id: int | None) -> Device | None:
    """The device, read together with its siblings; None when there is none or the caller may not see it."""
    row = await info.context.loaders.one(loaders.devices, device_id) if device_id is not None else None
    return device(row) if row is not None else None
