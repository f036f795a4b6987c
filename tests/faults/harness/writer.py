"""What each demo device says: records with a number that can be found again, alarms that begin and end in turn."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from tests.faults.harness.ledger import Message

HAZARDS = ("smoke", "gas", "water_leak")


@dataclass
class Writer:
    """The records of one device that speaks Zhian's contract. ``toggles``: how often a sensor's alarm changes."""

    device: int
    kind: str
    rng: random.Random
    toggles: float = 0.06
    _count: int = 0
    _on: bool = False
    _said: list[bytes] = field(default_factory=list)

    def one(self) -> Message:
        """A message of one record."""
        record, mark, switches = self._record()
        return Message(self.device, orjson.dumps(record), (mark,), switches)

    def lines(self) -> Message:
        """A body of several lines, some of them bad or repeated."""
        lines: list[bytes] = []
        marks: list[int] = []
        switches: list[tuple[str, bool]] = []
        for _ in range(self.rng.randint(5, 15)):
            record, mark, changed = self._record()
            lines.append(orjson.dumps(record))
            marks.append(mark)
            switches.extend(changed)
        said, bad = list(lines), 0
        if self._said and self.rng.random() < 0.3:
            lines.append(self.rng.choice(self._said))
        if self.rng.random() < 0.3:
            lines.append(orjson.dumps({"id": f"bad-{marks[0]}", "type": "sensor", "data": {}}))
            bad = 1
        self._said = said
        return Message(self.device, b"\n".join(lines), tuple(marks), tuple(switches), bad)

    def _record(self) -> tuple[dict[str, Any], int, tuple[tuple[str, bool], ...]]:
        self._count += 1
        mark = self._count
        switches: tuple[tuple[str, bool], ...] = ()
        data: Mapping[str, Any]
        if self.kind in HAZARDS:
            kind, data = "sensor", {"voltage_mv": mark}
            if self.rng.random() < self.toggles:
                self._on = not self._on
                switches = ((self.kind, self._on),)
                data = {**data, self.kind: self._on}
        elif self.kind == "camera":
            kind, data = "camera_event", {"type": "motion", "track": str(mark)}
        else:
            kind, data = "passage", {"decision": "granted", "method": "card", "person_no": str(mark)}
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        record = {"id": f"f-{mark}", "type": kind, "at": at, "seq": mark, "previous_seq": mark - 1, "data": data}
        return record, mark, switches


@dataclass
class HubWriter:
    """Zigbee2MQTT states of one sensor behind a hub: no record has a key, only what changed is news."""

    sensor: int
    _on: bool = False

    def one(self) -> Message:
        """The sensor's whole state, its alarm begun or ended."""
        self._on = not self._on
        body = orjson.dumps({"smoke": self._on, "battery": 90, "linkquality": 80})
        return Message(self.sensor, body, (), (("smoke", self._on),))
