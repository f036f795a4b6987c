"""The table of data keys: reading and making them as the application, rotating and erasing as the owner."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.identity.models import DataKey
from domain.kernel.actor import NOTHING
from domain.kernel.uow import transaction
from integrations.identity.wrapping import Wrapped, WrappingKeys

KEY_BYTES = 32
LOCK = text("select pg_advisory_xact_lock(7418003)")
COLUMNS = (
    DataKey.area_id, DataKey.version, DataKey.wrapped, DataKey.kek, DataKey.created_at, DataKey.retired_at,
    DataKey.erased_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One row. ``wrapped``: None once erased. ``retired_at``: when a newer version took over sealing."""

    area_id: int
    version: int
    wrapped: bytes | None
    kek: str
    created_at: datetime
    retired_at: datetime | None
    erased_at: datetime | None


async def stored_keys(engine: AsyncEngine) -> list[StoredKey]:
    """Every data key, by area and version."""
    async with transaction(engine, NOTHING, read_only=True) as connection:
        return await _all(connection)


async def _all(connection: AsyncConnection, *where: ColumnElement[bool]) -> list[StoredKey]:
    statement = select(*COLUMNS).where(*where).order_by(DataKey.area_id, DataKey.version)
    return [StoredKey(*row) for row in await connection.execute(statement)]


async def make_keys(engine: AsyncEngine, keys: WrappingKeys, areas: Collection[int]) -> None:
    """A first key for each of ``areas``, or one after those that were erased. Of two processes at once one makes it."""
    async with transaction(engine, NOTHING) as connection:
        newest = await _newest(connection, areas)
        alive = {row.area_id for row in await _all(connection, DataKey.area_id.in_(areas), DataKey.erased_at.is_(None))}
        rows = [_row(keys, area, version + 1) for area, version in newest.items() if area not in alive]
        if rows:
            await connection.execute(insert(DataKey).on_conflict_do_nothing(), rows)


async def _newest(connection: AsyncConnection, areas: Collection[int]) -> dict[int, int]:
    """The highest version of each area, erased ones too; 0 when it has none."""
    statement = select(DataKey.area_id, func.max(DataKey.version)).where(DataKey.area_id.in_(areas))
    rows = await connection.execute(statement.group_by(DataKey.area_id))
    found: dict[int, int] = {row[0]: row[1] for row in rows}
    return {area: found.get(area, 0) for area in sorted(set(areas))}


def _row(keys: WrappingKeys, area: int, version: int) -> dict[str, Any]:
    made = keys.wrap(os.urandom(KEY_BYTES), area, version)
    return {"area_id": area, "version": version, "wrapped": made.wrapped, "kek": made.kek}


async def rotate_data_keys(engine: AsyncEngine, keys: WrappingKeys, now: datetime, *, area: int | None = None) -> int:
    """A new version for ``area``, or for every area with a key: new values are sealed under it. How many were made.

    ``engine``: acts as the owner. What older versions sealed still opens.
    """
    which: ColumnElement[bool] = true() if area is None else DataKey.area_id == area
    async with transaction(engine, NOTHING) as connection:
        await connection.execute(LOCK)
        areas = {row.area_id for row in await _all(connection, which, DataKey.erased_at.is_(None))}
        rows = [_row(keys, each, version + 1) for each, version in (await _newest(connection, areas)).items()]
        if rows:
            retired = (DataKey.area_id.in_(areas), DataKey.retired_at.is_(None))
            await connection.execute(update(DataKey).where(*retired).values(retired_at=now))
            await connection.execute(insert(DataKey), rows)
    return len(rows)


async def rewrap(engine: AsyncEngine, keys: WrappingKeys) -> int:
    """Wrap every data key that is not under the current wrapping key anew; how many. ``engine``: acts as the owner."""
    async with transaction(engine, NOTHING) as connection:
        await connection.execute(LOCK)
        rows = await _all(connection, DataKey.kek != keys.current, DataKey.erased_at.is_(None))
        for row in rows:
            await _rewrap(connection, keys, row)
    return len(rows)


async def _rewrap(connection: AsyncConnection, keys: WrappingKeys, row: StoredKey) -> None:
    plain = keys.unwrap(Wrapped(row.area_id, row.version, row.wrapped or b"", row.kek))
    made = keys.wrap(plain, row.area_id, row.version)
    where = (DataKey.area_id == row.area_id, DataKey.version == row.version)
    await connection.execute(update(DataKey).where(*where).values(wrapped=made.wrapped, kek=made.kek))


async def erase_keys(engine: AsyncEngine, area: int, now: datetime) -> int:
    """Destroy every key of ``area``: what they sealed never opens again. How many. ``engine``: acts as the owner."""
    async with transaction(engine, NOTHING) as connection:
        await connection.execute(LOCK)
        erased = await connection.execute(
            update(DataKey)
            .where(DataKey.area_id == area, DataKey.erased_at.is_(None))
            .values(wrapped=None, erased_at=now)
            .returning(DataKey.version)
        )
        versions: Sequence[int] = erased.scalars().all()
    return len(versions)
