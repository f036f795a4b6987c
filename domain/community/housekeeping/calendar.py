"""Working hours, free times and recurring times in the compound's zone. Pure; instants are UTC."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from domain.community.housekeeping.errors import InvalidHours, InvalidRecurrence, InvalidTime
from domain.community.housekeeping.rules import STEP

DAY = 24 * 60
MOST_SHIFTS = 21
MOST_TIMES = 26
LEAD = timedelta(hours=2)
AHEAD = timedelta(days=180)


class Every(StrEnum):
    """How often a series recurs. MONTH: on the same day of the month, or its last where it is shorter."""

    WEEK = "week"
    FORTNIGHT = "fortnight"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Shift:
    """Working hours on one day of the week (1 Monday to 7 Sunday), in minutes of the local day; 1440 is midnight."""

    weekday: int
    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class Span:
    """A time, its end not included."""

    starts_at: datetime
    ends_at: datetime

    def meets(self, other: Span) -> bool:
        """Whether the two share an instant."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def checked(shifts: Sequence[Shift]) -> tuple[Shift, ...]:
    """``shifts`` in their order in the week. Raises InvalidHours."""
    ordered = tuple(sorted(shifts, key=lambda shift: (shift.weekday, shift.opens)))
    for shift in ordered:
        on_step = shift.opens % STEP == 0 and shift.closes % STEP == 0
        if not (1 <= shift.weekday <= 7 and 0 <= shift.opens < shift.closes <= DAY and on_step):
            raise InvalidHours(field="hours")
    for one, next_ in pairwise(ordered):
        if one.weekday == next_.weekday and next_.opens < one.closes:
            raise InvalidHours(field="hours")
    if len(ordered) > MOST_SHIFTS:
        raise InvalidHours(field="hours")
    return ordered


def at(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The instant of a minute of a local day. A time that the clock jumps over is as long after the jump."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return wall.replace(tzinfo=zone).astimezone(UTC)


def fits(span: Span, shifts: Iterable[Shift], zone: ZoneInfo) -> bool:
    """Whether ``span`` begins on the half hour of a local day and lies in one of the ``shifts``."""
    local = span.starts_at.astimezone(zone)
    minute, day = local.hour * 60 + local.minute, local.date()
    if minute % STEP or local.second or local.microsecond:
        return False
    return any(
        shift.weekday == day.isoweekday() and shift.opens <= minute and span.ends_at <= at(day, shift.closes, zone)
        for shift in shifts
    )


def starts(shifts: Collection[Shift], zone: ZoneInfo, first: date, days: int, *, minutes: int) -> Iterator[Span]:
    """Every time of ``minutes`` on the half hour of ``days`` local days in which ``shifts`` are worked, in order."""
    for day in (first + timedelta(days=n) for n in range(days)):
        for shift in sorted(shifts, key=lambda each: each.opens):
            if shift.weekday != day.isoweekday():
                continue
            for minute in range(shift.opens, shift.closes, STEP):
                begin = at(day, minute, zone)
                span = Span(begin, begin + timedelta(minutes=minutes))
                local = begin.astimezone(zone)
                jumped = (local.date(), local.hour * 60 + local.minute) != (day, minute)
                if not jumped and fits(span, (shift,), zone):
                    yield span


def free(spans: Iterable[Span], busy: Sequence[Span], *, earliest: datetime, latest: datetime) -> Iterator[Span]:
    """Those of ``spans`` that begin between the two instants and meet nothing in ``busy``."""
    for span in spans:
        if earliest <= span.starts_at <= latest and not any(span.meets(other) for other in busy):
            yield span


def bookable(starts_at: datetime, now: datetime) -> datetime:
    """``starts_at`` as it is. Raises InvalidTime when it is over, too soon or too far ahead."""
    if not now + LEAD <= starts_at <= now + AHEAD:
        raise InvalidTime(field="startsAt")
    return starts_at


def occurrences(starts_at: datetime, every: Every | None, times: int, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants of a series: the same time of the local day each time, whatever clocks do meanwhile.

    One instant without ``every``. Raises InvalidRecurrence.
    """
    if every is None:
        return (starts_at,)
    if not 2 <= times <= MOST_TIMES:
        raise InvalidRecurrence(field="times", most=MOST_TIMES)
    local = starts_at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return (starts_at, *(at(_later(local.date(), every, n), minute, zone) for n in range(1, times)))


def _later(day: date, every: Every, n: int) -> date:
    if every is not Every.MONTH:
        return day + timedelta(weeks=n * (2 if every is Every.FORTNIGHT else 1))
    months = day.year * 12 + day.month - 1 + n
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def nearest(spans: Iterable[Span], wanted: datetime, most: int) -> list[Span]:
    """The ``most`` of ``spans`` nearest to an instant, in order of time."""
    near = sorted(spans, key=lambda span: (abs(span.starts_at - wanted), span.starts_at))[:most]
    return sorted(near, key=lambda span: span.starts_at)
