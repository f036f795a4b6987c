"""What was sent and what came back, with the times between."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

RECENT_SECONDS = 5.0


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of ``values`` lie, by nearest rank; 0 without values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


@dataclass(slots=True)
class Tally:
    """Counts of one run.

    outcomes: "200", "PUBACK", or what went wrong, by how often. seconds: push → acknowledgement of every acknowledged
    message.
    """

    sent: int = 0
    records: int = 0
    acknowledged: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    _recent: deque[tuple[float, str]] = field(default_factory=deque)

    def start(self, kind: str, records: int, now: float) -> None:
        """A message leaves; ``now`` in seconds of any clock that rises."""
        self.sent += 1
        self.records += records
        self.kinds[kind] += 1
        self._recent.append((now, kind))

    def end(self, outcome: str, seconds: float, *, acknowledged: bool) -> None:
        """Its answer came, or did not."""
        self.outcomes[outcome] += 1
        if acknowledged:
            self.acknowledged += 1
            self.seconds.append(seconds)

    @property
    def under_way(self) -> int:
        """Messages without an answer yet."""
        return self.sent - self.outcomes.total()

    def rates(self, now: float) -> Counter[str]:
        """Messages by kind that left in the last five seconds."""
        while self._recent and self._recent[0][0] < now - RECENT_SECONDS:
            self._recent.popleft()
        return Counter(kind for _, kind in self._recent)

    def summary(self) -> dict[str, Any]:
        """The figures of the whole run, in milliseconds where they are times."""
        return {
            "sent": self.sent,
            "records": self.records,
            "acknowledged": self.acknowledged,
            "not_acknowledged": self.sent - self.acknowledged,
            "by_kind": dict(sorted(self.kinds.items())),
            "by_outcome": dict(sorted(self.outcomes.items())),
            "ack_ms": {
                "p50": round(1000 * percentile(self.seconds, 0.5), 1),
                "p99": round(1000 * percentile(self.seconds, 0.99), 1),
            },
        }
