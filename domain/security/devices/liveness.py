"""When a device was last heard, how far its clock is off, and which records never came."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel import bulk
from domain.security.devices.directory import DeviceRef
from domain.security.devices.observation import Observation

# Written at most this often per device: enough for "is it alive", a hundredth of the writes.
EVERY = timedelta(seconds=5)


class Heard(Protocol):
    """A record as liveness needs it."""

    device: DeviceRef
    observation: Observation
    received_at: datetime
    late: bool
    clock_suspect: bool
    stored: bool


@dataclass(slots=True)
class Serials:
    """The run of record numbers in one batch: the first's predecessor, the last, and gaps in between."""

    before: int | None = None
    last: int | None = None
    lost: int = 0

    def add(self, serial: int, previous: int | None) -> None:
        """The next live record. Lost = records between the last seen and this one's predecessor; a wrap counts none."""
        if self.last is None:
            self.before = previous
        elif previous is not None and previous > self.last:
            self.lost += previous - self.last
        self.last = serial


COLUMNS = (
    ("county_id", "int"), ("town_id", "int"), ("community_id", "int"), ("compound_id", "int"), ("device_id", "int"),
    ("heard_at", "timestamptz"), ("drift_ms", "bigint"), ("clock_suspect", "bool"), ("last_serial", "bigint"),
    ("first_previous", "bigint"), ("lost_records", "bigint"),
)  # fmt: skip
HEARD = f"""
insert into device_liveness as old ({bulk.names(COLUMNS)})
select * from unnest({bulk.arrays(COLUMNS)})
on conflict (device_id, compound_id) do update set
  heard_at = greatest(old.heard_at, excluded.heard_at),
  drift_ms = coalesce(excluded.drift_ms, old.drift_ms),
  clock_suspect = excluded.clock_suspect,
  last_serial = coalesce(excluded.last_serial, old.last_serial),
  first_previous = coalesce(excluded.first_previous, old.first_previous),
  lost_records = old.lost_records + excluded.lost_records
    + greatest(0, coalesce(excluded.first_previous - old.last_serial, 0))
"""  # noqa: S608 - names from the table above


class LivenessMemory:
    """When this process last wrote that a device is alive, so that it is not written with every record."""

    def __init__(self) -> None:
        self._written: dict[int, datetime] = {}

    def due(self, device_id: int, now: datetime) -> bool:
        """Whether it is time to write it again; notes that it is written now."""
        last = self._written.get(device_id)
        if last is not None and now - last < EVERY:
            return False
        self._written[device_id] = now
        return True


async def heard(connection: AsyncConnection, rows: Iterable[Heard], now: datetime, memory: LivenessMemory) -> None:
    """Note the devices of ``rows`` as alive, with the drift of their newest live record and lost record numbers."""
    newest: dict[int, Heard] = {}
    serials: dict[int, Serials] = {}
    for row in rows:
        if row.late:
            newest.setdefault(row.device.id, row)
            continue
        newest[row.device.id] = row
        if row.observation.serial is not None and row.stored:  # a repeat would turn the count back
            run = serials.setdefault(row.device.id, Serials())
            run.add(row.observation.serial, row.observation.previous_serial)
    values = [
        _values(row, serials.get(device_id), now)
        for device_id, row in sorted(newest.items())
        if device_id in serials or memory.due(device_id, now)
    ]
    if values:
        await bulk.run(connection, HEARD, *([value[name] for value in values] for name, _ in COLUMNS))


def _values(row: Heard, run: Serials | None, now: datetime) -> dict[str, Any]:
    device, occurred = row.device, row.observation.occurred_at
    live = occurred is not None and not row.late
    return {
        "county_id": device.county_id,
        "town_id": device.town_id,
        "community_id": device.community_id,
        "compound_id": device.compound_id,
        "device_id": device.id,
        "heard_at": now,
        "drift_ms": round((row.received_at - occurred).total_seconds() * 1000) if live and occurred else None,
        "clock_suspect": row.clock_suspect,
        "last_serial": None if run is None else run.last,
        "first_previous": None if run is None else run.before,
        "lost_records": 0 if run is None else run.lost,
    }
