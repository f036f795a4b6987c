"""What a run came to: figures, and everything that is not as it must be."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Report:
    """Counts of a run. Every list but ``faults`` must be empty.

    lost: acknowledged, but not stored. doubled: stored more than once. invented: stored, but never sent.
    unraised: alerts that are not what the messages say. undelivered: people not told, or told twice.
    silence: the longest time, in seconds, in which nothing at all was acknowledged while devices spoke.
    gaps, repeats: what subscribers missed, or heard again or out of turn. wrong: all else.
    """

    faults: list[str] = field(default_factory=list)
    silence: float = 0.0
    sent: int = 0
    attempts: int = 0
    acknowledged: int = 0
    records: int = 0
    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    alerts: int = 0
    changes: int = 0
    notifications: int = 0
    heard: int = 0
    joined: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    unraised: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def problems(self) -> dict[str, list[str]]:
        """Whatever is not as it must be, the first few of each."""
        names = ("lost", "doubled", "invented", "unraised", "undelivered", "gaps", "repeats", "wrong")
        return {name: found[:5] for name in names if (found := getattr(self, name))}

    def __str__(self) -> str:
        lists = ("lost", "doubled", "invented", "unraised", "undelivered", "gaps", "repeats", "wrong")
        counts = {name: value for name, value in vars(self).items() if isinstance(value, int)}
        counts |= {"faults": len(self.faults)} | {name: len(getattr(self, name)) for name in lists}
        return " ".join(f"{name}={count}" for name, count in counts.items()) + f" silence={self.silence:.1f}"
