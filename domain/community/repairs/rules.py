"""Repairs: what is repaired and by when, which step may follow which, what may be cancelled and what is free. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.community.applications.rules import Progress


class Skill(StrEnum):
    """What a worker can do. Gas needs a licence of its own."""

    APPLIANCE = "appliance"
    GAS = "gas"
    FURNITURE = "furniture"


class RepairKind(StrEnum):
    """What is to be repaired."""

    REFRIGERATOR = "refrigerator"
    WASHING_MACHINE = "washing_machine"
    AIR_CONDITIONER = "air_conditioner"
    TELEVISION = "television"
    WATER_HEATER = "water_heater"
    GAS_STOVE = "gas_stove"
    OTHER_APPLIANCE = "other_appliance"
    CABINET = "cabinet"
    BED = "bed"
    TABLE_OR_CHAIR = "table_or_chair"
    DOOR_OR_WINDOW = "door_or_window"
    OTHER_FURNITURE = "other_furniture"


class RepairState(StrEnum):
    """How far a repair is. QUOTED waits for the home's answer, AGREED for the visit."""

    OPEN = "open"
    ASSIGNED = "assigned"
    QUOTED = "quoted"
    AGREED = "agreed"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class Step(StrEnum):
    """What somebody does to a repair. TAKE: a worker grabs it, or the office or their turn gives it to them."""

    TAKE = "take"
    RELEASE = "release"
    QUOTE = "quote"
    AGREE = "agree"
    REFUSE = "refuse"
    START = "start"
    FINISH = "finish"
    CANCEL = "cancel"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class KindRule:
    """What goes for a kind: who can do it, by when it is taken and, once taken, done, and how long it is warranted."""

    skill: Skill
    accept_within: timedelta
    finish_within: timedelta
    warranty_days: int
    name: str


def _rule(skill: Skill, accept_hours: int, finish_days: int, warranty_days: int, name: str) -> KindRule:
    return KindRule(skill, timedelta(hours=accept_hours), timedelta(days=finish_days), warranty_days, name)


KINDS: dict[RepairKind, KindRule] = {
    RepairKind.REFRIGERATOR: _rule(Skill.APPLIANCE, 2, 2, 90, "冰箱"),
    RepairKind.WASHING_MACHINE: _rule(Skill.APPLIANCE, 4, 3, 90, "洗衣机"),
    RepairKind.AIR_CONDITIONER: _rule(Skill.APPLIANCE, 4, 3, 90, "空调"),
    RepairKind.TELEVISION: _rule(Skill.APPLIANCE, 12, 5, 90, "电视"),
    RepairKind.WATER_HEATER: _rule(Skill.GAS, 2, 2, 90, "热水器"),
    RepairKind.GAS_STOVE: _rule(Skill.GAS, 1, 1, 90, "燃气灶"),
    RepairKind.OTHER_APPLIANCE: _rule(Skill.APPLIANCE, 12, 5, 90, "其他家电"),
    RepairKind.CABINET: _rule(Skill.FURNITURE, 24, 7, 30, "柜子"),
    RepairKind.BED: _rule(Skill.FURNITURE, 24, 7, 30, "床"),
    RepairKind.TABLE_OR_CHAIR: _rule(Skill.FURNITURE, 24, 7, 30, "桌椅"),
    RepairKind.DOOR_OR_WINDOW: _rule(Skill.FURNITURE, 4, 3, 60, "门窗"),
    RepairKind.OTHER_FURNITURE: _rule(Skill.FURNITURE, 24, 7, 30, "其他家具"),
}
RETURN_VISIT_WITHIN = timedelta(days=3)
"""By when the office asks the home whether all is well."""
CANCEL_BEFORE = timedelta(hours=2)
"""Until when before the visit a home may call off what it agreed to."""
DUE_DAYS = 15
"""By when a repair is paid."""
MOST_ITEMS = 30
MOST_FEN = 10_000_000
"""What a repair costs at most."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step: from which states, to which, and how far the home's application is then.

    warranted: further states from which a repair under warranty may take it, as nothing is quoted for it.
    """

    before: frozenset[RepairState]
    after: RepairState
    progress: Progress
    warranted: frozenset[RepairState] = frozenset()


def _from(*states: RepairState) -> frozenset[RepairState]:
    return frozenset(states)


_S = RepairState
MOVES: dict[Step, Move] = {
    Step.TAKE: Move(_from(_S.OPEN), _S.ASSIGNED, Progress.ACCEPTED),
    Step.RELEASE: Move(_from(_S.ASSIGNED), _S.OPEN, Progress.SUBMITTED),
    Step.QUOTE: Move(_from(_S.ASSIGNED, _S.IN_PROGRESS), _S.QUOTED, Progress.ACCEPTED),
    Step.AGREE: Move(_from(_S.QUOTED), _S.AGREED, Progress.ACCEPTED),
    Step.REFUSE: Move(_from(_S.QUOTED), _S.ASSIGNED, Progress.ACCEPTED),
    Step.START: Move(_from(_S.AGREED), _S.IN_PROGRESS, Progress.IN_PROGRESS, _from(_S.ASSIGNED)),
    Step.FINISH: Move(_from(_S.IN_PROGRESS), _S.DONE, Progress.HANDLED),
    Step.CANCEL: Move(_from(_S.OPEN, _S.ASSIGNED, _S.QUOTED, _S.AGREED), _S.CANCELLED, Progress.CANCELLED),
    Step.REJECT: Move(_from(_S.OPEN, _S.ASSIGNED), _S.REJECTED, Progress.REJECTED),
}
ENDS = _from(_S.DONE, _S.CANCELLED, _S.REJECTED)
UNDER_WAY = _from(_S.ASSIGNED, _S.QUOTED, _S.AGREED, _S.IN_PROGRESS)
"""States in which somebody has it. The office may give it to another, who goes on where it is."""
WORKED = _from(_S.ASSIGNED, _S.AGREED, _S.IN_PROGRESS)
"""States in which the time to finish runs; while the home thinks about a quotation it stands still."""


def may_take(step: Step, state: RepairState, *, warranted: bool) -> bool:
    """Whether ``step`` may be taken from ``state``. Under warranty nothing is quoted."""
    move = MOVES[step]
    if warranted and step is Step.QUOTE:
        return False
    return state in move.before or (warranted and state in move.warranted)


def may_cancel(state: RepairState, *, by_office: bool, visit_from: datetime | None, now: datetime) -> bool:
    """Whether a repair may be called off. A home that agreed may until two hours before the visit, the office until
    work begins; nobody after that."""
    if state not in MOVES[Step.CANCEL].before:
        return False
    if state is not RepairState.AGREED or by_office or visit_from is None:
        return True
    return now <= visit_from - CANCEL_BEFORE


class Late(StrEnum):
    """What is overdue."""

    ACCEPT = "accept"
    FINISH = "finish"


def late(state: RepairState, accept_by: datetime, finish_by: datetime | None, now: datetime) -> Late | None:
    """What should have happened by now: that somebody takes it, or that it is done."""
    if state is RepairState.OPEN:
        return Late.ACCEPT if now > accept_by else None
    if state in WORKED and finish_by is not None and now > finish_by:
        return Late.FINISH
    return None


def finish_by(kind: RepairKind, taken_at: datetime, window_to: datetime | None) -> datetime:
    """By when a repair that was taken is done: the kind's time, or the end of the wished window where that is later."""
    by = taken_at + KINDS[kind].finish_within
    return by if window_to is None else max(by, window_to)


def warranty_until(kind: RepairKind, done_at: datetime, zone: str) -> date:
    """The last day of the warranty, in the compound's zone."""
    return done_at.astimezone(ZoneInfo(zone)).date() + timedelta(days=KINDS[kind].warranty_days)


def due_on(done_at: datetime, zone: str) -> date:
    """The day by which it is paid, in the compound's zone."""
    return done_at.astimezone(ZoneInfo(zone)).date() + timedelta(days=DUE_DAYS)


class ItemKind(StrEnum):
    """What an item of a quotation is."""

    PART = "part"
    LABOUR = "labour"


@dataclass(frozen=True, slots=True)
class Item:
    """One line: so many of something at ``unit_fen`` each."""

    kind: ItemKind
    name: str
    quantity: int
    unit_fen: int

    @property
    def amount_fen(self) -> int:
        """What the line costs."""
        return self.quantity * self.unit_fen


def total_fen(items: Sequence[Item]) -> int:
    """What all lines cost."""
    return sum(item.amount_fen for item in items)


def sound(items: Sequence[Item]) -> bool:
    """Whether lines can be quoted: some, not too many, each of at least one and not negative, a total within bounds."""
    return (
        0 < len(items) <= MOST_ITEMS
        and all(0 < item.quantity <= 999 and 0 <= item.unit_fen <= MOST_FEN for item in items)
        and total_fen(items) <= MOST_FEN
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker who could take a repair: the number of the turn in which they were last given one, 0 for never."""

    worker: int
    number: int


def next_in_turn(workers: Sequence[Turn]) -> int | None:
    """Whose turn it is: who was never given one, then who waits longest; the older worker first among equals."""
    return min(((each.number, each.worker) for each in workers), default=(0, None))[1]
