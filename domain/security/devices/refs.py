"""Devices as rules and ingest know them, by id, inside a transaction that is open already."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.estate.models import Area
from domain.security.devices.directory import COLUMNS, DeviceRef
from domain.security.devices.models import Device


async def refs_by_id(connection: AsyncConnection, ids: Collection[int]) -> dict[int, DeviceRef]:
    """The devices ``ids`` of the transaction's scope, also retired ones: what they said stays theirs."""
    statement = select(*COLUMNS).join(Area, Area.id == Device.compound_id).where(Device.id.in_(ids))
    return {row.id: DeviceRef(*tuple(row)) for row in await connection.execute(statement)}
