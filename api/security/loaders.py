"""Batches of security: many rows by key in one statement, those the caller may see."""

from __future__ import annotations

from collections.abc import Sequence

from api.context import Context
from domain.kernel.uow import AnyRow
from domain.security.alerts import queries as alert_queries
from domain.security.alerts.facts import AlertFacts
from domain.security.devices import queries as device_queries
from domain.security.devices.secrets import WeakWay
from domain.security.ebikes import queries as ebike_queries
from domain.security.events import queries as event_queries
from domain.security.sightings import queries as sighting_queries

Pair = tuple[int, int]


async def devices(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Devices by id."""
    return {row.id: row for row in await device_queries.devices_by_id(context.read, context.actor, ids)}


async def liveness(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Liveness by device id."""
    rows = await device_queries.liveness_by_device(context.read, context.actor, ids)
    return {row.device_id: row for row in rows}


async def weak_ways(context: Context, ids: Sequence[int]) -> dict[int, list[WeakWay]]:
    """Weak ways in, by device id."""
    return await device_queries.weak_ways_by_device(context.read, context.actor, ids)


async def events(context: Context, keys: Sequence[event_queries.EventKey]) -> dict[event_queries.EventKey, AnyRow]:
    """Events by key."""
    rows = await event_queries.events_by_key(context.read, context.actor, keys)
    return {(row.compound_id, row.at, row.id): row for row in rows}


async def pictures(context: Context, keys: Sequence[Pair]) -> dict[Pair, list[AnyRow]]:
    """Pictures by compound id and event id."""
    return await event_queries.pictures_of(context.read, context.actor, keys, context.now())


async def sightings(
    context: Context, keys: Sequence[sighting_queries.SightingKey]
) -> dict[sighting_queries.SightingKey, AnyRow]:
    """Sightings by key."""
    rows = await sighting_queries.sightings_by_key(context.read, context.actor, keys)
    return {(row.compound_id, row.at, row.id): row for row in rows}


async def alerts(context: Context, keys: Sequence[Pair]) -> dict[Pair, AlertFacts]:
    """Alerts by compound id and alert id."""
    found = await alert_queries.alerts_by_key(context.read, context.actor, keys)
    return {(facts.compound_id, facts.id): facts for facts in found}


async def ebikes(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """E-bikes by id."""
    return {row.id: row for row in await ebike_queries.ebikes_by_id(context.read, context.actor, ids)}


async def tags_of(context: Context, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Tags by e-bike id."""
    return await ebike_queries.tags_by_ebike(context.read, context.actor, ids)


async def tags(context: Context, ids: Sequence[int]) -> dict[int, AnyRow]:
    """Tags by id."""
    return {row.id: row for row in await ebike_queries.tags_by_id(context.read, context.actor, ids)}
