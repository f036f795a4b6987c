"""Reads of devices and of their liveness."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select

from domain.estate.focus import look_in
from domain.estate.visibility import in_scope, visible_to
from domain.kernel.actor import Actor
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader
from domain.security.devices.models import Device, DeviceCredential, DeviceKind, DeviceLiveness, Vendor
from domain.security.devices.secrets import WeakWay

COLUMNS = (
    Device.id,
    Device.county_id,
    Device.town_id,
    Device.community_id,
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


_OPENS = {WeakWay.DIGEST_MD5: DeviceCredential.digest_md5, WeakWay.PATH_SECRET: DeviceCredential.path_hash}


def _valid() -> ColumnElement[bool]:
    return or_(DeviceCredential.expires_at.is_(None), DeviceCredential.expires_at > func.now())


async def weak_device_counts(reader: Reader) -> dict[WeakWay, int]:
    """How many devices have a credential now that opens each weak way, in all counties."""
    counted = [
        func.count(DeviceCredential.device_id.distinct()).filter(column.is_not(None)) for column in _OPENS.values()
    ]
    row = await reader.row(select(*counted).where(_valid()))
    return dict(zip(_OPENS, map(int, row or (0, 0)), strict=True))


async def weak_ways_by_device(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, list[WeakWay]]:
    """The weak ways that credentials of the devices ``ids`` open now, of those that the actor sees."""
    opened = [func.bool_or(column.is_not(None)) for column in _OPENS.values()]
    rows = await reader.rows(
        select(DeviceCredential.device_id, *opened)
        .join(Device, Device.id == DeviceCredential.device_id)
        .where(Device.id.in_(ids), visible_to(actor, Device), _valid())
        .group_by(DeviceCredential.device_id)
    )
    return {device: [way for way, has in zip(_OPENS, ways, strict=True) if has] for device, *ways in rows}
