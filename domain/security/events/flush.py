"""One group commit: everything a batch of messages means, in one transaction.

The order: locks of readers and sensors, edges of keyless states, inbox with events, raw messages and tally in one
statement, tag visits, sightings, quarantine, liveness, instant rules. Statements are per batch, never per record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity.ports import Vault
from domain.kernel import bulk
from domain.kernel.uow import News
from domain.security.devices import liveness
from domain.security.devices.directory import DeviceRef
from domain.security.devices.liveness import LivenessMemory
from domain.security.devices.observation import EventKind, Rejection
from domain.security.ebikes.tags import bikes_of
from domain.security.events import edges, instant
from domain.security.events.models import Quarantined
from domain.security.events.rows import Row, Submission
from domain.security.events.sealed import detail_place, event_columns
from domain.security.events.writing import EVENT, EVENTS, place, write
from domain.security.sightings import service as sightings
from domain.security.sightings.rules import Read
from domain.security.sightings.service import TagVisit

NextId = Callable[[], int]

LOCK = text("select pg_advisory_xact_lock(7418, d) from (select unnest(cast(:ids as int[])) d order by 1) x")


@dataclass(slots=True)
class Flushed:
    """What a flush left behind: who to wake."""

    topics: set[str] = field(default_factory=set)
    compounds: set[int] = field(default_factory=set)

    def news(self) -> News:
        """The news to tell after the commit."""
        return News(frozenset(self.topics), frozenset(self.compounds))


async def flush(
    connection: AsyncConnection,
    batch: Sequence[Submission],
    *,
    vault: Vault,
    now: datetime,
    next_id: NextId,
    memory: LivenessMemory,
) -> Flushed:
    """Write ``batch`` through ``connection``'s open transaction; rows learn whether they were stored.

    The keys of the batch's compounds are ready in ``vault``.
    """
    rows = [row for submission in batch for row in submission.rows]
    await _lock_devices(connection, rows)
    candidates = await edges.changed(connection, _first_of_each_key(rows), now)
    for row in candidates:
        row.event_id = next_id()
    await write(connection, vault, batch, candidates)
    fresh = [row for row in candidates if row.stored]
    visits, bikes = await _fold_tags(connection, vault, fresh, now, next_id)
    await _keep_sightings(connection, vault, fresh, next_id)
    await _quarantine(connection, vault, batch)
    await liveness.heard(connection, rows, now, memory)
    flushed = Flushed()
    changed = await instant.judge(connection, fresh, visits, bikes, now)
    if changed:
        flushed.topics |= {"alerts", "outbox"}
    _count(batch)
    if any(row.is_event for row in fresh) or visits:
        flushed.topics.add("events")
    flushed.compounds = {row.device.compound_id for row in fresh} | {v.device.compound_id for v in visits}
    return flushed


def _first_of_each_key(rows: Iterable[Row]) -> list[Row]:
    """Rows without the repeats of a key within the batch; those stay unstored, as duplicates."""
    seen: set[tuple[int, str]] = set()
    first: list[Row] = []
    for row in rows:
        if row.key is not None:
            key = (row.device.compound_id, row.key)
            if key in seen:
                continue
            seen.add(key)
        first.append(row)
    return first


async def _lock_devices(connection: AsyncConnection, rows: Iterable[Row]) -> None:
    """Serialise batches that read and write a device's present state: its properties, the tags before it."""
    ids = {
        row.device.id for row in rows if row.observation.state is not None or row.observation.kind is EventKind.TAG_READ
    }
    if ids:
        await connection.execute(LOCK, {"ids": sorted(ids)})


async def _fold_tags(
    connection: AsyncConnection, vault: Vault, rows: Sequence[Row], now: datetime, next_id: NextId
) -> tuple[list[TagVisit], instant.Bikes]:
    """Fold fresh tag reads into sightings; their enters and leaves become events."""
    reads = [(r.device, read_of(r), r.late) for r in rows if r.observation.kind is EventKind.TAG_READ]
    if not reads:
        return [], {}
    bikes = await bikes_of(connection, vault, {read.tag for _, read, _ in reads})
    homes = {tag: bike.home_id for tag, bike in bikes.items()}
    visits = await sightings.fold_reads(connection, reads, vault=vault, homes=homes, heard_at=now, next_id=next_id)
    await store_visits(connection, vault, visits, homes, now)
    return visits, bikes


def read_of(row: Row) -> Read:
    """The read in a tag_read observation; times that cannot be believed are the time of arrival."""
    observation = row.observation
    said = observation.attributes
    last = row.at
    first = said.get("first_seen")
    begun = datetime.fromisoformat(first) if isinstance(first, str) and not row.clock_suspect else last
    rssi = said.get("rssi_dbm")
    return Read(
        tag=observation.subject or "",
        first=min(begun, last),
        last=last,
        antenna=said.get("antenna"),
        rssi_dbm=None if rssi is None else round(rssi),
        count=said.get("count") or 1,
    )


async def store_visits(
    connection: AsyncConnection, vault: Vault, visits: Sequence[TagVisit], homes: dict[str, int], now: datetime
) -> None:
    """Enters and leaves as tag_read events; they have no inbox key: they are ours, not the vendor's."""
    if not visits:
        return
    rows = [
        (
            v.event_id, *place(v.device), v.device.id, homes.get(v.read.tag), EventKind.TAG_READ.value, v.at, v.at,
            now, v.late, False, *event_columns(vault, v.device.compound_id, v.event_id, visit_attributes(v)), None,
        )
        for v in visits
    ]  # fmt: skip
    await bulk.run(connection, EVENTS, *bulk.transposed(EVENT, rows))


def visit_attributes(visit: TagVisit) -> dict[str, Any]:
    """Attributes of a tag_read event."""
    read = visit.read
    values = {"tag": read.tag, "phase": visit.phase, "antenna": read.antenna, "rssi_dbm": read.rssi_dbm}
    return values | {"reads": read.count, "subject": read.tag}


SUBJECT_KINDS = {EventKind.PLATE_READ: "plate", EventKind.PASSAGE: "person"}


async def _keep_sightings(connection: AsyncConnection, vault: Vault, rows: Sequence[Row], next_id: NextId) -> None:
    """One sighting per plate or person read."""
    kept = []
    for row in rows:
        kind = SUBJECT_KINDS.get(row.observation.kind)
        if kind is None or row.observation.subject is None:
            continue
        ids = {"event_id": row.event_id, "sighting_id": next_id()}
        sighting = sightings.sighting_row(vault, row.device, kind, row.observation.subject, row.at, **ids)
        sighting["direction"] = row.observation.attributes.get("direction") or row.device.direction
        kept.append(sighting)
    await sightings.keep(connection, kept)


async def _quarantine(connection: AsyncConnection, vault: Vault, batch: Sequence[Submission]) -> None:
    rows = [
        {
            "county_id": device.county_id,
            "town_id": device.town_id,
            "community_id": device.community_id,
            "compound_id": device.compound_id,
            "device_id": device.id,
            "raw_id": submission.raw_id,
            "received_at": submission.received_at,
            "reason": rejection.reason,
            "detail": _detail(vault, device, submission.raw_id, rejection),
        }
        for submission in batch
        for device, rejection in submission.rejections
    ]
    if rows:
        await connection.execute(insert(Quarantined), rows)


def _detail(vault: Vault, device: DeviceRef, raw_id: int, rejection: Rejection) -> bytes:
    """The sealed detail: it may quote what the device sent."""
    said = rejection.detail[:500].encode("utf-8", "replace")
    return vault.seal(said, detail_place(raw_id), area=device.compound_id)


def _count(batch: Iterable[Submission]) -> None:
    """Fill each message's counts from what became of its rows."""
    for submission in batch:
        counts = submission.counts
        counts.received = submission.size
        counts.quarantined = len(submission.rejections)
        counts.stored = sum(row.stored for row in submission.rows)
        counts.duplicate = len(submission.rows) - counts.stored
        counts.late = sum(row.stored and row.late for row in submission.rows)
