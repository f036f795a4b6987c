"""Reads of devices and of their liveness."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from domain.estate.focus import look_in
from domain.estate.visibility import in_scope, visible_to
from domain.kernel.actor import Actor
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader
from domain.security.devices.models import Device, DeviceKind, DeviceLiveness, Vendor

COLUMNS = (
    Device.id,
    Device.compound_id,
    Device.home_id,
    Device.gateway_id,
    Device.external_id,
    Device.vendor,
    Device.model,
    Device.kind,
    Device.name,
    Device.place,
    Device.zone,
    Device.direction,
    Device.heartbeat_seconds,
    Device.created_at,
    Device.retired_at,
)
LIVENESS = (
    DeviceLiveness.device_id,
    DeviceLiveness.heard_at,
    DeviceLiveness.drift_ms,
    DeviceLiveness.clock_suspect,
    DeviceLiveness.lost_records,
)


async def device_page(
    reader: Reader,
    actor: Actor,
    *,
    area_id: int | None,
    kind: DeviceKind | None,
    vendor: Vendor | None,
    first: int,
    after: str | None,
) -> Page[AnyRow]:
    """Devices in service that the actor sees, in order of id. Raises NotFound (area out of sight), BadCursor."""
    scope = await look_in(reader, actor, area_id)
    query = select(*COLUMNS).where(in_scope(scope, Device), visible_to(actor, Device), Device.retired_at.is_(None))
    if kind is not None:
        query = query.where(Device.kind == str(kind))
    if vendor is not None:
        query = query.where(Device.vendor == str(vendor))
    return await keyset_page(reader, query, Device.id, first=first, after=after)


async def devices_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The devices among ``ids`` that the actor sees, also retired ones."""
    return await reader.rows(select(*COLUMNS).where(Device.id.in_(ids), visible_to(actor, Device)))


async def liveness_by_device(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """When the devices ``ids`` were last heard, of those in the actor's areas."""
    return await reader.rows(
        select(*LIVENESS).where(DeviceLiveness.device_id.in_(ids), visible_to(actor, DeviceLiveness))
    )
