"""Devices' times: ISO 8601 with or without a zone, epochs in four units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# An epoch's unit is told by its size; each range reaches from 1973 to 2286.
_MICROSECONDS_PER_UNIT: Final = ((10**8, 10**10, 10**6), (10**11, 10**13, 10**3), (10**14, 10**16, 1))


def instant(value: object, zone: tzinfo) -> datetime | None:
    """An aware UTC instant of ISO 8601 text; a time without offset is in ``zone``. None when it is no time."""
    if not isinstance(value, str) or not 10 <= len(value) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def epoch(value: object) -> datetime | None:
    """An aware UTC instant of a count since 1970 in seconds, milliseconds, microseconds or nanoseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 19):
            return None
        value = int(value)
    for least, limit, microseconds in _MICROSECONDS_PER_UNIT:
        if least <= value < limit:
            return _EPOCH + timedelta(microseconds=round(value * microseconds))
    if 10**17 <= value < 10**19:
        return _EPOCH + timedelta(microseconds=int(value) // 1000)
    return None


def either(value: object, zone: tzinfo) -> datetime | None:
    """ISO 8601 text or an epoch, whichever the device is set to send."""
    return epoch(value) or instant(value, zone)


def stamp(moment: datetime | None) -> str:
    """A moment as a part of a record's key: the same for every way a vendor writes the same instant."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else "-"


def iso(moment: datetime | None) -> str | None:
    """A moment as an attribute: ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
