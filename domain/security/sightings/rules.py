"""Folding tag reads into sightings. Pure.

Reads are not events: a reader reports the same tag many times a second. Reads of one (tag, reader) closer together than
the gone-window are one presence; it begins with an enter, ends with a leave, and keeps its strongest antenna.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

GONE_WINDOW = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Read:
    """One read, or the presence so far: first and last time, strongest antenna, how many reads."""

    tag: str
    first: datetime
    last: datetime
    antenna: int | None
    rssi_dbm: int | None
    count: int


def stronger(a: Read, b: Read) -> tuple[int | None, int | None]:
    """Antenna and RSSI of the stronger one; a read without RSSI is weaker than any."""
    best = a if b.rssi_dbm is None or (a.rssi_dbm is not None and a.rssi_dbm >= b.rssi_dbm) else b
    return best.antenna, best.rssi_dbm


def merge(a: Read, b: Read) -> Read:
    """Two reads of one presence as one."""
    antenna, rssi = stronger(a, b)
    return Read(a.tag, min(a.first, b.first), max(a.last, b.last), antenna, rssi, a.count + b.count)


def visits(reads: Iterable[Read], window: timedelta = GONE_WINDOW) -> list[Read]:
    """Reads of one (tag, reader) folded into visits, oldest first; visits are further apart than ``window``."""
    folded: list[Read] = []
    for read in sorted(reads, key=lambda r: (r.first, r.last)):
        if folded and read.first - folded[-1].last <= window:
            folded[-1] = merge(folded[-1], read)
        else:
            folded.append(read)
    return folded


@dataclass(frozen=True, slots=True)
class Fold:
    """What a batch of visits does to the open presence.

    closed: the presence that ended before the newest visit, as it stood. past: whole visits older than the presence.
    open: the presence afterwards; ``entered`` when it is a new one.
    """

    closed: Read | None
    past: tuple[Read, ...]
    open: Read
    entered: bool


def fold(presence: Read | None, batch: list[Read], window: timedelta = GONE_WINDOW) -> Fold:
    """Fold ``batch`` (visits, oldest first, not empty) into ``presence``."""
    past: list[Read] = []
    closed: Read | None = None
    current, entered = presence, False
    for visit in batch:
        if current is None:
            current, entered = visit, True
        elif visit.first - current.last <= window and current.first - visit.last <= window:
            current = replace(
                merge(current, visit), first=min(current.first, visit.first) if entered else current.first
            )
        elif visit.first > current.last:
            if entered:
                past.append(current)
            else:
                closed = current
            current, entered = visit, True
        else:
            past.append(visit)
    assert current is not None  # noqa: S101 - batch is not empty
    return Fold(closed, tuple(past), current, entered)
