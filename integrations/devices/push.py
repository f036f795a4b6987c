"""What every parser takes (``Push``) and how it refuses (``Refused``)."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from domain.security.devices.observation import Reason, Rejection


@dataclass(frozen=True, slots=True)
class Push:
    """One body as received.

    ``topic``: the part of an MQTT topic after ``c/{compound}/d/{device}/``, None over HTTP.
    ``timezone``: the compound's, for times that come without one.
    """

    body: bytes
    content_type: str
    topic: str | None
    timezone: ZoneInfo


class Refused(Exception):
    """A record cannot become an event; carries the rejection that is quarantined in its place."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(reason, detail)
