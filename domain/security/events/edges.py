"""Edge detection: sensors that repeat their state have no record key, so only a changed value is news.

Zigbee sensors publish their whole state, unasked, three copies for one press of a button; what they said last is kept
per (device, property).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.security.devices.models import DeviceProperty
from domain.security.events.rows import Row


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


async def changed(connection: AsyncConnection, rows: Sequence[Row], now: datetime) -> list[Row]:
    """``rows`` without keyless repeats of a known state; the new states are stored.

    The caller holds the lock of every device with a state. A keyless state is judged by what differs: only changed
    properties stay in it, so that an unrelated repeat clears or raises nothing.
    """
    with_state = [row for row in rows if row.observation.state is not None]
    if not with_state:
        return list(rows)
    known = await _known(connection, {row.device.id for row in with_state})
    new: dict[tuple[int, str], dict[str, Any]] = {}
    kept: list[Row] = []
    for row in rows:
        state = row.observation.state
        if state is None or row.late:
            kept.append(row)
            continue
        differing = {n: v for n, v in state.items() if known.get((row.device.id, n)) != _text(v)}
        for name, value in differing.items():
            known[row.device.id, name] = _text(value)
            new[row.device.id, name] = _property(row, name, _text(value), now)
        if row.key is None:
            if not differing:
                continue
            row.observation.state = differing
        kept.append(row)
    await _save(connection, list(new.values()))
    return kept


async def _known(connection: AsyncConnection, device_ids: set[int]) -> dict[tuple[int, str], str]:
    statement = select(DeviceProperty.device_id, DeviceProperty.name, DeviceProperty.value).where(
        DeviceProperty.device_id.in_(device_ids)
    )
    return {(row.device_id, row.name): row.value for row in await connection.execute(statement)}


def _property(row: Row, name: str, value: str, now: datetime) -> dict[str, Any]:
    device = row.device
    return {
        "county_id": device.county_id,
        "town_id": device.town_id,
        "community_id": device.community_id,
        "compound_id": device.compound_id,
        "device_id": device.id,
        "name": name,
        "value": value,
        "changed_at": now,
    }


async def _save(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    if rows:
        statement = insert(DeviceProperty)
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["device_id", "compound_id", "name"],
                set_={"value": statement.excluded.value, "changed_at": statement.excluded.changed_at},
            ),
            rows,
        )
