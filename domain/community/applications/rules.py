"""How an application goes on: which state may follow which. Pure."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What is asked for; the slice of that name has the details."""

    REPAIR = "repair"
    HOUSEKEEPING = "housekeeping"


class Progress(StrEnum):
    """How far an application is.

    SUBMITTED waits for somebody to take it, ACCEPTED is somebody's, IN_PROGRESS is being done. HANDLED, CANCELLED (by
    the home or for it) and REJECTED (by the office) are ends.
    """

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    HANDLED = "handled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


MOST_OPEN = 60
"""Applications of a home under way at once: two series of a half year, and repairs beside them."""
ENDS = frozenset({Progress.HANDLED, Progress.CANCELLED, Progress.REJECTED})
OPEN = frozenset(Progress) - ENDS
BEFORE: dict[Progress, frozenset[Progress]] = {
    Progress.SUBMITTED: frozenset({Progress.SUBMITTED, Progress.ACCEPTED}),
    Progress.ACCEPTED: OPEN,
    Progress.IN_PROGRESS: OPEN,
    Progress.HANDLED: OPEN,
    Progress.CANCELLED: OPEN,
    Progress.REJECTED: frozenset({Progress.SUBMITTED, Progress.ACCEPTED}),
}
"""From which states each may be reached. Back to SUBMITTED: who had taken it gave it back. A state that is no end
may follow itself: something happened that the home should know of."""


def may_follow(state: Progress, following: Progress) -> bool:
    """Whether ``following`` may come after ``state``."""
    return state in BEFORE[following]
