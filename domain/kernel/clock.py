"""Time as a parameter: services take ``now``; only this function reads the system clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present instant, timezone-aware UTC."""
    return datetime.now(UTC)
