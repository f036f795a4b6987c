"""Keeps sightings: one per plate or person seen, one per visit of a tag to a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.identity.ports import Vault, shown
from domain.kernel import bulk
from domain.security.devices.directory import DeviceRef
from domain.security.sightings.models import Sighting, TagPresence
from domain.security.sightings.rules import GONE_WINDOW, Read, fold, visits
from domain.security.sightings.subjects import presence_index, presence_place, subject_index, subject_place

NextId = Callable[[], int]


@dataclass(frozen=True, slots=True)
class TagVisit:
    """A tag came into a reader's field ("enter") or was gone from it ("leave"): becomes a tag_read event."""

    event_id: int
    device: DeviceRef
    phase: str
    at: datetime
    read: Read
    late: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """A presence that is over, as it was; ``read.tag`` is "" when its key was erased."""

    compound_id: int
    device_id: int
    heard_at: datetime
    read: Read


def sighting_row(
    vault: Vault, device: DeviceRef, kind: str, subject: str, at: datetime, *, event_id: int, sighting_id: int
) -> dict[str, Any]:
    """Columns of a sighting that is over as soon as it is made (a plate, a person)."""
    return {
        "id": sighting_id,
        "county_id": device.county_id,
        "town_id": device.town_id,
        "community_id": device.community_id,
        "compound_id": device.compound_id,
        "at": at,
        "subject_kind": kind,
        "subject": vault.seal(subject, subject_place(sighting_id), area=device.compound_id),
        "subject_index": subject_index(vault, kind, subject),
        "device_id": device.id,
        "home_id": device.home_id,
        "direction": device.direction,
        "left_at": None,
        "antenna": None,
        "rssi_dbm": None,
        "reads": 1,
        "event_id": event_id,
    }


COLUMNS = (
    ("id", "bigint"), ("county_id", "int"), ("town_id", "int"), ("community_id", "int"), ("compound_id", "int"),
    ("at", "timestamptz"), ("subject_kind", "text"), ("subject", "bytea"), ("subject_index", "bytea"),
    ("device_id", "int"), ("home_id", "int"), ("direction", "text"), ("left_at", "timestamptz"),
    ("antenna", "smallint"), ("rssi_dbm", "smallint"), ("reads", "int"), ("event_id", "bigint"),
)  # fmt: skip
KEEP = f"insert into sighting ({bulk.names(COLUMNS)}) select * from unnest({bulk.arrays(COLUMNS)})"  # noqa: S608 - names of ours


async def keep(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Store sightings, all in one statement."""
    if rows:
        columns = ([row[name] for row in rows] for name, _ in COLUMNS)
        await bulk.run(connection, KEEP, *columns)


@dataclass(slots=True)
class _Folding:
    """What one batch of reads changes, gathered before it is written."""

    vault: Vault
    next_id: NextId
    heard_at: datetime
    homes: dict[str, int]
    visits: list[TagVisit] = field(default_factory=list)
    sightings: list[dict[str, Any]] = field(default_factory=list)
    presences: list[dict[str, Any]] = field(default_factory=list)
    ended: list[dict[str, Any]] = field(default_factory=list)

    def enter(self, device: DeviceRef, read: Read, *, late: bool = False) -> dict[str, Any]:
        """A new sighting, and its enter."""
        enter = TagVisit(self.next_id(), device, "enter", read.first, read, late)
        self.visits.append(enter)
        ids = {"event_id": enter.event_id, "sighting_id": self.next_id()}
        row = sighting_row(self.vault, device, "tag", read.tag, read.first, **ids) | {
            "home_id": self.homes.get(read.tag),
            "antenna": read.antenna,
            "rssi_dbm": read.rssi_dbm,
            "reads": read.count,
        }
        self.sightings.append(row)
        return row

    def past(self, device: DeviceRef, read: Read, *, late: bool = False) -> None:
        """A visit that is over already."""
        self.enter(device, read, late=late)["left_at"] = read.last
        self.visits.append(TagVisit(self.next_id(), device, "leave", read.last, read, late))

    def leave(self, device: DeviceRef, read: Read, sighting_id: int) -> None:
        """The end of a presence whose sighting is stored already."""
        self.visits.append(TagVisit(self.next_id(), device, "leave", read.last, read))
        self.ended.append(_end(device.compound_id, sighting_id, read))

    def stay(self, device: DeviceRef, read: Read, sighting_id: int) -> None:
        """The presence as it is now."""
        columns = ("county_id", "town_id", "community_id", "compound_id")
        index = presence_index(self.vault, read.tag)
        tag = self.vault.seal(read.tag, presence_place(device.id, index), area=device.compound_id)
        self.presences.append(
            {name: getattr(device, name) for name in columns}
            | {"device_id": device.id, "tag_index": index, "tag": tag}
            | {"sighting_id": sighting_id, "entered_at": read.first}
            | {"seen_at": read.last, "heard_at": self.heard_at, "antenna": read.antenna}
            | {"rssi_dbm": read.rssi_dbm, "reads": read.count}
        )


def _end(compound_id: int, sighting_id: int, read: Read) -> dict[str, Any]:
    return {
        "b_compound": compound_id, "b_sighting": sighting_id, "b_at": read.first, "b_left": read.last,
        "b_antenna": read.antenna, "b_rssi": read.rssi_dbm, "b_reads": read.count,
    }  # fmt: skip


async def fold_reads(
    connection: AsyncConnection,
    reads: Iterable[tuple[DeviceRef, Read, bool]],
    *,
    vault: Vault,
    homes: dict[str, int],
    heard_at: datetime,
    next_id: NextId,
) -> list[TagVisit]:
    """Fold (reader, read, late) triples into presences and sightings; the enters and leaves that came of it.

    ``homes``: tag -> the home it is registered to, so that its owner sees where it was.

    The caller holds the lock of each reader, so that no other batch folds the same tags. Late reads become whole visits
    of their own: they never touch who is here now.
    """
    live: dict[tuple[int, str], list[Read]] = {}
    late: dict[tuple[int, str], list[Read]] = {}
    devices: dict[int, DeviceRef] = {}
    for device, read, is_late in reads:
        devices[device.id] = device
        (late if is_late else live).setdefault((device.id, read.tag), []).append(read)
    present = await _presences(connection, vault, list(live))
    folding = _Folding(vault, next_id, heard_at, homes)
    for (device_id, tag), batch in live.items():
        device, row = devices[device_id], present.get((device_id, tag))
        result = fold(None if row is None else _read(row, tag), visits(batch))
        if row is not None and result.closed is not None:
            folding.leave(device, result.closed, row.sighting_id)
        for visit in result.past:
            folding.past(device, visit)
        if result.entered or row is None:
            folding.stay(device, result.open, folding.enter(device, result.open)["id"])
        else:
            folding.stay(device, result.open, row.sighting_id)
    for (device_id, _), batch in late.items():
        for visit in visits(batch):
            folding.past(devices[device_id], visit, late=True)
    await keep(connection, folding.sightings)
    await _save(connection, folding.presences)
    await _end_sightings(connection, folding.ended)
    return folding.visits


def _read(row: Row[Any], tag: str) -> Read:
    return Read(tag, row.entered_at, row.seen_at, row.antenna, row.rssi_dbm, row.reads)


async def _presences(
    connection: AsyncConnection, vault: Vault, keys: list[tuple[int, str]]
) -> dict[tuple[int, str], Row[Any]]:
    """The presences of (device, tag) pairs; a tag is known by its index, so nothing is opened."""
    if not keys:
        return {}
    tags = {(device, presence_index(vault, tag)): tag for device, tag in keys}
    statement = select(TagPresence.__table__).where(tuple_(TagPresence.device_id, TagPresence.tag_index).in_(tags))
    rows = await connection.execute(statement)
    return {(row.device_id, tags[row.device_id, row.tag_index]): row for row in rows}


async def _save(connection: AsyncConnection, presences: list[dict[str, Any]]) -> None:
    if presences:
        statement = insert(TagPresence)
        changed = ("tag", "sighting_id", "entered_at", "seen_at", "heard_at", "antenna", "rssi_dbm", "reads")
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["compound_id", "device_id", "tag_index"],
                set_={name: statement.excluded[name] for name in changed},
            ),
            presences,
        )


async def _end_sightings(connection: AsyncConnection, ended: list[dict[str, Any]]) -> None:
    if ended:
        await connection.execute(
            update(Sighting)
            .where(
                Sighting.compound_id == bindparam("b_compound"),
                Sighting.at == bindparam("b_at"),
                Sighting.id == bindparam("b_sighting"),
            )
            .values(
                left_at=bindparam("b_left"),
                antenna=bindparam("b_antenna"),
                rssi_dbm=bindparam("b_rssi"),
                reads=bindparam("b_reads"),
            ),
            ended,
        )


async def take_gone(
    connection: AsyncConnection, vault: Vault, now: datetime, most: int, readers: Sequence[int]
) -> list[Gone]:
    """Take up to ``most`` presences silent for longer than the gone-window off the list and end their sightings.

    The caller holds the lock of each of ``readers``, so that no flush folds reads into what ends here. Rows that
    another worker holds are skipped. Returns what was taken, for the leave events.
    """
    silent = (
        select(TagPresence.compound_id, TagPresence.device_id, TagPresence.tag_index)
        .where(TagPresence.heard_at < now - GONE_WINDOW, TagPresence.device_id.in_(readers))
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    key = tuple_(TagPresence.compound_id, TagPresence.device_id, TagPresence.tag_index)
    rows = (await connection.execute(delete(TagPresence).where(key.in_(silent)).returning(TagPresence.__table__))).all()
    gone = []
    for row in rows:
        tag = await shown(vault, row.tag, presence_place(row.device_id, row.tag_index), area=row.compound_id)
        gone.append(Gone(row.compound_id, row.device_id, row.heard_at, _read(row, tag or "")))
    ended = zip(rows, gone, strict=True)
    await _end_sightings(connection, [_end(row.compound_id, row.sighting_id, each.read) for row, each in ended])
    return gone
