"""Tags that have fallen silent: nobody reports that a tag is gone, so the schedule looks for those not heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity.ports import Vault
from domain.kernel.uow import UnitOfWork
from domain.security.devices.refs import refs_by_id
from domain.security.ebikes.rules import TaggedBike
from domain.security.ebikes.tags import bikes_of
from domain.security.events import instant
from domain.security.events.flush import store_visits
from domain.security.events.recorder import IdBlocks
from domain.security.sightings.rules import GONE_WINDOW
from domain.security.sightings.service import Gone, TagVisit, take_gone

# The readers with silent tags whose lock is free: one that is being flushed has its turn a second later.
READERS = text("""
    with silent as materialized (
      select distinct device_id from tag_presence where heard_at < :before order by 1 limit :most
    )
    select device_id from silent where pg_try_advisory_xact_lock(7418, device_id)
""")


async def close_gone(uow: UnitOfWork, *, vault: Vault, most: int = 500) -> int:
    """End up to ``most`` sightings of tags silent for the gone-window, with their leaves as events; how many.

    A guarded e-bike whose leave is noticed by silence raises its alert here.
    """
    connection = await uow.session.connection()
    found = await connection.execute(READERS, {"before": uow.now - GONE_WINDOW, "most": most})
    readers = list(found.scalars())
    gone = await take_gone(connection, vault, uow.now, most, readers) if readers else []
    if not gone:
        return 0
    await vault.ready({each.compound_id for each in gone})
    visits = await _leaves(connection, gone)
    bikes = await bikes_of(connection, vault, {visit.read.tag for visit in visits})
    homes = {tag: bike.home_id for tag, bike in bikes.items()}
    await store_visits(connection, vault, visits, homes, uow.now)
    heard = {(each.device_id, each.read.tag): each.heard_at for each in gone}
    moved = [v for v in visits if _was_guarded(bikes.get(v.read.tag), heard[v.device.id, v.read.tag])]
    for compound in {visit.device.compound_id for visit in visits}:
        uow.tell("events", compound_id=compound)
    if await instant.judge(connection, [], moved, bikes, uow.now):
        uow.tell("alerts")
        uow.tell("outbox")
    return len(gone)


def _was_guarded(bike: TaggedBike | None, last_heard: Any) -> bool:
    """Whether the e-bike was guarded when it was last heard: one that left before is not leaving guarded."""
    return bike is not None and bike.guarded_since is not None and bike.guarded_since <= last_heard


async def _leaves(connection: AsyncConnection, gone: Sequence[Gone]) -> list[TagVisit]:
    """The leaves of presences that are over, at the time of their last read; none of a tag whose key was erased."""
    devices = await refs_by_id(connection, {each.device_id for each in gone})
    ids = IdBlocks()
    await ids.ensure(connection, len(gone))
    return [
        TagVisit(ids.take(), devices[each.device_id], "leave", each.read.last, each.read)
        for each in gone
        if each.read.tag
    ]
