"""One group commit: everything a batch of messages means, in one transaction.

The order: locks of readers and sensors, edges of keyless states, inbox and events in one set-based statement, tag
visits, sightings, raw messages, quarantine, liveness, instant rules, tally. Statements are per batch, never per record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel.uow import News
from domain.security.devices import liveness
from domain.security.devices.liveness import LivenessMemory
from domain.security.ebikes.tags import bikes_of
from domain.security.events import edges, instant
from domain.security.events.models import IngestTally, Quarantined
from domain.security.events.observation import EventKind
from domain.security.events.rows import Row, Submission
from domain.security.sightings import service as sightings
from domain.security.sightings.rules import Read
from domain.security.sightings.service import TagVisit

NextId = Callable[[], int]

STORE = """
with input as (
  select * from unnest(
    $1::uuid[], $2::bigint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::text[],
    $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::bool[], $14::bool[], $15::text[], $16::bigint[],
    $17::bool[]
  ) as t(key, id, county_id, town_id, community_id, compound_id, device_id, home_id, kind,
         at, occurred_at, received_at, late, clock_suspect, attributes, raw_id, is_event)
), fresh as (
  insert into inbox (compound_id, key, event_id, event_at)
  select compound_id, key, case when is_event then id end, case when is_event then at end
  from input where key is not null
  on conflict do nothing
  returning compound_id, key
), stored as (
  insert into event (id, county_id, town_id, community_id, compound_id, device_id, home_id, kind,
                     at, occurred_at, received_at, late, clock_suspect, attributes, raw_id)
  select id, county_id, town_id, community_id, compound_id, device_id, home_id, kind,
         at, occurred_at, received_at, late, clock_suspect, attributes::jsonb, raw_id
  from input i
  where is_event and (key is null or exists (select from fresh f where f.compound_id = i.compound_id and f.key = i.key))
)
select array_agg(i.id) from input i
where key is null or exists (select from fresh f where f.compound_id = i.compound_id and f.key = i.key)
"""

RAW = """
insert into raw_message (id, county_id, town_id, community_id, compound_id, device_id, received_at, channel,
                         content_type, body)
select * from unnest($1::bigint[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[], $7::timestamptz[],
                     $8::text[], $9::text[], $10::bytea[])
"""

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
    now: datetime,
    next_id: NextId,
    memory: LivenessMemory,
) -> Flushed:
    """Write ``batch`` through ``connection``'s open transaction; rows learn whether they were stored."""
    rows = [row for submission in batch for row in submission.rows]
    await _lock_devices(connection, rows)
    candidates = await edges.changed(connection, _first_of_each_key(rows), now)
    for row in candidates:
        row.event_id = next_id()
    await _store(connection, candidates)
    fresh = [row for row in candidates if row.stored]
    visits, bikes = await _fold_tags(connection, fresh, now, next_id)
    await _keep_sightings(connection, fresh, next_id)
    await _keep_raw(connection, batch)
    await _quarantine(connection, batch)
    await liveness.heard(connection, rows, now, memory)
    flushed = Flushed()
    changed = await instant.judge(connection, fresh, visits, bikes, now)
    if changed:
        flushed.topics |= {"alerts", "outbox"}
    _count(batch)
    await _tally(connection, batch)
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


async def _store(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Inbox and events of ``rows``; marks those that were not there before."""
    if not rows:
        return
    columns = zip(
        *(
            (
                r.key, r.event_id, r.device.county_id, r.device.town_id, r.device.community_id, r.device.compound_id,
                r.device.id, r.device.home_id, r.observation.kind.value, r.at, r.observation.occurred_at,
                r.received_at, r.late, r.clock_suspect, attributes_json(r) if r.is_event else None, r.raw_id,
                r.is_event,
            )
            for r in rows
        ),
        strict=True,
    )  # fmt: skip
    stored = (await connection.exec_driver_sql(STORE, tuple(list(c) for c in columns))).scalar_one() or ()
    ids = set(stored)
    for row in rows:
        row.stored = row.event_id in ids


def attributes_json(row: Row) -> str:
    """The event's attributes as JSON text; a state's values stand among them."""
    observation = row.observation
    values = observation.attributes
    if observation.state is not None:
        values = values | observation.state
    if observation.subject is not None and "subject" not in values:
        values = values | {"subject": observation.subject}
    return orjson.dumps(values, option=orjson.OPT_NON_STR_KEYS, default=str).decode()


async def _fold_tags(
    connection: AsyncConnection, rows: Sequence[Row], now: datetime, next_id: NextId
) -> tuple[list[TagVisit], instant.Bikes]:
    """Fold fresh tag reads into sightings; their enters and leaves become events."""
    reads = [(r.device, read_of(r), r.late) for r in rows if r.observation.kind is EventKind.TAG_READ]
    if not reads:
        return [], {}
    bikes = await bikes_of(connection, {read.tag for _, read, _ in reads})
    homes = {tag: bike.home_id for tag, bike in bikes.items()}
    visits = await sightings.fold_reads(connection, reads, homes=homes, heard_at=now, next_id=next_id)
    await store_visits(connection, visits, homes, now)
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
    connection: AsyncConnection, visits: Sequence[TagVisit], homes: dict[str, int], now: datetime
) -> None:
    """Enters and leaves as tag_read events; they have no inbox key: they are ours, not the vendor's."""
    if not visits:
        return
    columns = zip(
        *(
            (
                None, v.event_id, v.device.county_id, v.device.town_id, v.device.community_id, v.device.compound_id,
                v.device.id, homes.get(v.read.tag), EventKind.TAG_READ.value, v.at, v.at, now, v.late, False,
                orjson.dumps(visit_attributes(v)).decode(), None, True,
            )
            for v in visits
        ),
        strict=True,
    )  # fmt: skip
    await connection.exec_driver_sql(STORE, tuple(list(c) for c in columns))


def visit_attributes(visit: TagVisit) -> dict[str, Any]:
    """Attributes of a tag_read event."""
    read = visit.read
    values = {"tag": read.tag, "phase": visit.phase, "antenna": read.antenna, "rssi_dbm": read.rssi_dbm}
    return values | {"reads": read.count, "subject": read.tag}


SUBJECT_KINDS = {EventKind.PLATE_READ: "plate", EventKind.PASSAGE: "person"}


async def _keep_sightings(connection: AsyncConnection, rows: Sequence[Row], next_id: NextId) -> None:
    """One sighting per plate or person read."""
    kept = []
    for row in rows:
        kind = SUBJECT_KINDS.get(row.observation.kind)
        if kind is None or row.observation.subject is None:
            continue
        sighting = sightings.sighting_row(
            row.device, kind, row.observation.subject, row.at, event_id=row.event_id, sighting_id=next_id()
        )
        sighting["direction"] = row.observation.attributes.get("direction") or row.device.direction
        kept.append(sighting)
    await sightings.keep(connection, kept)


async def _keep_raw(connection: AsyncConnection, batch: Sequence[Submission]) -> None:
    """Raw messages that gave something new or could not be understood; a pure repeat adds nothing."""
    kept = [s for s in batch if s.rejections or any(row.stored for row in s.rows)]
    if not kept:
        return
    columns = zip(
        *(
            (
                s.raw_id, s.device.county_id, s.device.town_id, s.device.community_id, s.device.compound_id,
                s.device.id, s.received_at, s.channel, s.message.content_type, s.message.body,
            )
            for s in kept
        ),
        strict=True,
    )  # fmt: skip
    await connection.exec_driver_sql(RAW, tuple(list(c) for c in columns))


async def _quarantine(connection: AsyncConnection, batch: Sequence[Submission]) -> None:
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
            "detail": rejection.detail[:500].replace("\x00", ""),
        }
        for submission in batch
        for device, rejection in submission.rejections
    ]
    if rows:
        await connection.execute(insert(Quarantined), rows)


def _count(batch: Iterable[Submission]) -> None:
    """Fill each message's counts from what became of its rows."""
    for submission in batch:
        counts = submission.counts
        counts.received = submission.size
        counts.quarantined = len(submission.rejections)
        counts.stored = sum(row.stored for row in submission.rows)
        counts.duplicate = len(submission.rows) - counts.stored
        counts.late = sum(row.stored and row.late for row in submission.rows)


async def _tally(connection: AsyncConnection, batch: Iterable[Submission]) -> None:
    """The exact counts of this flush, in the transaction of what they count."""
    sums: dict[str, dict[str, Any]] = {}
    for submission in batch:
        row = sums.setdefault(
            submission.channel,
            {"channel": submission.channel, "received": 0, "stored": 0, "duplicate": 0, "quarantined": 0, "late": 0},
        )
        for name in ("received", "stored", "duplicate", "quarantined", "late"):
            row[name] += getattr(submission.counts, name)
    await connection.execute(insert(IngestTally), list(sums.values()))
