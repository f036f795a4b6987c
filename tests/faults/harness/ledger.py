"""What devices sent, and which of it was acknowledged: the side of the comparison that the product cannot touch."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Message:
    """A body, sent unchanged until it is acknowledged.

    marks: the numbers that its good records carry into their events. switches: alarm states in it, in order.
    bad: how many records in it cannot become events.
    """

    device: int
    body: bytes
    marks: tuple[int, ...] = ()
    switches: tuple[tuple[str, bool], ...] = ()
    bad: int = 0
    attempts: int = 0
    acknowledged: bool = False


@dataclass
class Ledger:
    """Every message in the order of each device. ``refusals``: answers that a device must not get."""

    messages: list[Message] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def add(self, message: Message) -> Message:
        """Note a new message before it is first sent."""
        self.messages.append(message)
        return message

    @property
    def acknowledged(self) -> int:
        """Messages acknowledged."""
        return len(self.messages) - self.unacknowledged

    @property
    def unacknowledged(self) -> int:
        """Messages not yet acknowledged."""
        return sum(not message.acknowledged for message in self.messages)

    def marks(self, *, acknowledged: bool) -> set[tuple[int, int]]:
        """(device, mark) of every record sent, or of those acknowledged."""
        return {
            (message.device, mark)
            for message in self.messages
            if message.acknowledged or not acknowledged
            for mark in message.marks
        }

    def changes(self) -> dict[tuple[int, str], list[str]]:
        """What must have happened to each source's alert of each kind: "raised", "cleared", in order."""
        found: dict[tuple[int, str], list[str]] = defaultdict(list)
        for message in self.messages:
            for kind, on in message.switches:
                found[message.device, kind].append("raised" if on else "cleared")
        return dict(found)
