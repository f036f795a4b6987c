"""Guard mode: what a sighting of a guarded e-bike means. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.security.alerts.models import AlertKind, Severity
from domain.security.alerts.rules import HOME, POLICE, STAFF, Raise
from domain.security.devices.directory import DeviceRef


class TagPlace(StrEnum):
    """What a tag is fixed to."""

    BIKE = "bike"
    BATTERY = "battery"
    SPARE = "spare"


@dataclass(frozen=True, slots=True)
class TaggedBike:
    """The e-bike behind a tag, as guard mode needs it."""

    ebike_id: int
    home_id: int
    compound_id: int
    guarded_since: datetime | None

    @property
    def guarded(self) -> bool:
        """Whether guard mode is on."""
        return self.guarded_since is not None


def moved(bike: TaggedBike, reader: DeviceRef, phase: str) -> Raise | None:
    """A guarded e-bike that comes to a reader or leaves one is moving; at a gate or elsewhere it is leaving.

    ``phase``: "enter" or "leave" of the reader's field. Readers in zone "gate" stand at the compound's edge.
    """
    if not bike.guarded:
        return None
    leaving = reader.zone == "gate" or reader.compound_id != bike.compound_id
    severity = Severity.CRITICAL if leaving else Severity.MAJOR
    words = (
        ("布防中的电动车正在离开小区", "Guarded e-bike is leaving the compound")
        if leaving
        else ("布防中的电动车被移动", "Guarded e-bike is moving")
    )
    because = {"phase": phase, "reader": reader.id, "zone": reader.zone, "place": reader.place, "leaving": leaving}
    return Raise(
        AlertKind.EBIKE_MOVED,
        severity,
        (HOME, STAFF, POLICE) if leaving else (HOME, STAFF),
        because,
        words,
        source=f"ebike:{bike.ebike_id}",
        home_id=bike.home_id,
    )
