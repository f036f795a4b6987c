"""How many pictures may be sent, and how long they are kept. Pure."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from domain.identity.rules import Allowance

UNUSED_KEPT = timedelta(days=1)
"""How long a picture waits to be attached."""
ATTACHED_KEPT = timedelta(days=730)
"""How long an attached one is kept: as long as the longest warranty may be argued about."""
MOST_AT_ONCE = 9
"""Pictures attached in one step."""
UPLOAD_PER_ACCOUNT = Allowance("upload_account", timedelta(minutes=1), 30)
"""Thirty at once, then one a minute: at most 1,470 wait in a day, and nobody's phone sends as many."""


class Subject(StrEnum):
    """What pictures are attached to; each slice that takes pictures has its word here."""

    REPAIR = "repair"
    BOOKING = "booking"
