"""A clock that stands still until it is told to go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Callable like ``system_clock``; starts at the present second, so that it agrees with the database's own."""

    def __init__(self) -> None:
        self.instant = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.instant

    def advance(self, **parts: float) -> None:
        """Go on by ``timedelta(**parts)``."""
        self.instant += timedelta(**parts)
