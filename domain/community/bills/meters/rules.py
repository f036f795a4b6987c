"""Which readings are believed, and what a meter counted in a period. Pure; readings are thousandths of a unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import ClassVar

from domain.kernel.errors import Invalid, Messages

JUMP = 5
"""How many times the usual daily use is no longer taken without a look."""
RECENT = 7
"""How many of the last readings tell what is usual."""
LEAST_USUAL = 100
"""Thousandths a day: below that a home counts as empty, and any first bath would be a jump."""


class ReadingSource(StrEnum):
    """Who read the meter: a person, the meter itself, or the supplier."""

    MANUAL = "manual"
    DEVICE = "device"
    VENDOR = "vendor"


class ReadingState(StrEnum):
    """accepted: bills are made of it. to_confirm: somebody must look at the meter again. rejected: it was wrong."""

    ACCEPTED = "accepted"
    TO_CONFIRM = "to_confirm"
    REJECTED = "rejected"


class ReadingBelowLast(Invalid):
    """Meters do not run backwards; a new meter is registered as such."""

    code = "READING_BELOW_LAST"
    messages: ClassVar[Messages] = {
        "zh-CN": "读数低于上次读数 {last}；如已换表，请登记新表",
        "en": "The reading is below the last one, {last}; register a meter that was replaced as a new one",
    }


class ReadingOutOfOrder(Invalid):
    """A reading of a day before the last, or one that has not come."""

    code = "READING_OUT_OF_ORDER"
    messages: ClassVar[Messages] = {
        "zh-CN": "抄表日期须晚于上次抄表且不晚于今天",
        "en": "The day must be after that of the last reading and not after today",
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter stood at in the evening of a day."""

    on: date
    value: int


@dataclass(frozen=True, slots=True)
class Use:
    """What was counted between two readings."""

    opening: Reading
    closing: Reading

    @property
    def quantity(self) -> int:
        """Thousandths of a unit."""
        return self.closing.value - self.opening.value


def usual_use(history: Sequence[Reading]) -> float | None:
    """The median daily use between the last readings, in thousandths; None when there are fewer than three."""
    recent = history[-RECENT:]
    if len(recent) < 3:
        return None
    return median((late.value - early.value) / (late.on - early.on).days for early, late in pairwise(recent))


def judge(new: Reading, history: Sequence[Reading], *, today: date) -> ReadingState:
    """Whether ``new`` is taken at once. history: the accepted readings by day.

    Raises ReadingOutOfOrder, ReadingBelowLast.
    """
    last = history[-1] if history else None
    if new.on > today or (last is not None and new.on <= last.on):
        raise ReadingOutOfOrder(field="readOn")
    if last is None:
        return ReadingState.ACCEPTED
    if new.value < last.value:
        raise ReadingBelowLast(field="value", last=f"{last.value / 1000:g}")
    usual = usual_use(history)
    daily = (new.value - last.value) / (new.on - last.on).days
    jumps = usual is not None and daily > JUMP * max(usual, LEAST_USUAL)
    return ReadingState.TO_CONFIRM if jumps else ReadingState.ACCEPTED


def use_in(history: Sequence[Reading], start: date, end: date) -> Use | None:
    """What was counted in a period: from the last reading before it, or a new meter's first, to the last one in it.

    None when the meter was not read in it. Periods that follow each other share no unit and lose none: what one did
    not count stands in the next.
    """
    inside = [reading for reading in history if start <= reading.on <= end]
    before = [reading for reading in history if reading.on < start]
    if not inside or (not before and len(inside) < 2):
        return None
    return Use(before[-1] if before else inside[0], inside[-1])
