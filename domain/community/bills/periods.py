"""Account periods: whole months, counted in the compound's own calendar. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from domain.kernel.errors import Invalid, Messages

_MONTH = re.compile(r"(20[0-9]{2})[-/.年]?(0?[1-9]|1[0-2])月?")


class InvalidPeriod(Invalid):
    """Not a month, or not one in which a period of this length begins."""

    code = "INVALID_PERIOD"
    messages: ClassVar[Messages] = {
        "zh-CN": "账期须为月份，例如 2026-10",
        "en": "An account period is a month, like 2026-10",
    }


@dataclass(frozen=True, slots=True)
class Period:
    """``months`` whole months from ``start``, the first day of one."""

    start: date
    months: int = 1

    @property
    def end(self) -> date:
        """Its last day."""
        return first_of(self.start, self.months) - timedelta(days=1)

    @property
    def name(self) -> str:
        """ "2026-10"; of several months "2026-10/3"."""
        month = f"{self.start:%Y-%m}"
        return month if self.months == 1 else f"{month}/{self.months}"

    def lasting(self, months: int) -> Period:
        """The period of ``months`` that begins here."""
        return Period(self.start, months)

    def begins_cycle(self) -> bool:
        """Whether a cycle of this length begins in its first month, counted from January."""
        return (self.start.month - 1) % self.months == 0


def first_of(start: date, months: int) -> date:
    """The first day of the month ``months`` after the one of ``start``."""
    count = start.year * 12 + start.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def month_of(text: str, *, field: str | None = "period") -> Period:
    """The month written in ``text``: 2026-10, 2026/10, 202610, 2026年10月. Raises InvalidPeriod."""
    found = _MONTH.fullmatch(text.strip())
    if found is None:
        raise InvalidPeriod(field=field)
    return Period(date(int(found[1]), int(found[2]), 1))
