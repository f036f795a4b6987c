"""CPU time, measured so that neither other load nor a slower machine changes what a test says."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Final

TRIES: Final = 10
REFERENCE_SECONDS: Final = 0.006
"""What ``_work`` takes on the machine of the published figures."""


def least(work: Callable[[], object], most: float, clock: Callable[[], float] = time.thread_time) -> float:
    """Seconds of ``clock`` that ``work`` takes: the first within ``most``, or the least of several.

    Other processes take caches and half a core's units away, which only ever makes work dearer.
    """
    found = float("inf")
    for _ in range(TRIES):
        begun = clock()
        work()
        found = min(found, clock() - begun)
        if found < most:
            break
    return found


def allowed(seconds: float) -> float:
    """``seconds`` of the machine of the published figures, in those of this one: more on a slower one, never less."""
    return seconds * _slowness()


@cache
def _slowness() -> float:
    return max(1.0, min(least(_work, 0.0) for _ in range(3)) / REFERENCE_SECONDS)


def _work() -> None:
    """Calls, text and small objects, as a parser has them."""
    found: dict[str, list[int]] = {}
    for number in range(20_000):
        found.setdefault(str(number % 100), []).append(number)
    for name, numbers in found.items():
        assert len(f"{name}:{numbers}".split(",")) == len(numbers)
