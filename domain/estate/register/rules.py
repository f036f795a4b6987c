"""Rows of a register as places: what each names, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.estate.models import CompoundKind
from domain.kernel.errors import Messages

LEVELS: Final = ("county", "town", "community", "compound", "building", "door")
"""What a row names, widest first; it may end at any of them."""
NAMES: Final = {
    "county": "county", "县": "county", "区县": "county",
    "town": "town", "镇": "town", "街道": "town", "镇街": "town",
    "community": "community", "社区": "community",
    "compound": "compound", "小区": "compound",
    "kind": "kind", "类型": "kind",
    "timezone": "timezone", "时区": "timezone",
    "building": "building", "楼栋": "building",
    "unit": "unit", "单元": "unit",
    "door": "door", "门牌": "door", "房号": "door",
}  # fmt: skip
KINDS: Final = {
    "closed": CompoundKind.CLOSED, "封闭": CompoundKind.CLOSED, "封闭式": CompoundKind.CLOSED,
    "open": CompoundKind.OPEN, "开放": CompoundKind.OPEN, "开放式": CompoundKind.OPEN,
}  # fmt: skip
TIMEZONE: Final = "Asia/Shanghai"
MOST_NAME: Final = 60


class Fault(StrEnum):
    """Why a row is no place."""

    MISSING = "MISSING"
    BAD_TEXT = "BAD_TEXT"
    BAD_KIND = "BAD_KIND"
    BAD_TIMEZONE = "BAD_TIMEZONE"
    KIND_DIFFERS = "KIND_DIFFERS"

    @property
    def words(self) -> Messages:
        """What is wrong, in zh-CN and en."""
        return _WORDS[self]


_WORDS: Final[dict[Fault, Messages]] = {
    Fault.MISSING: {"zh-CN": "缺少上一级名称", "en": "What it stands in is not named"},
    Fault.BAD_TEXT: {"zh-CN": "名称过长或含控制字符", "en": "A name is too long or holds control characters"},
    Fault.BAD_KIND: {"zh-CN": "小区类型须为 封闭 或 开放", "en": "A compound is closed or open"},
    Fault.BAD_TIMEZONE: {"zh-CN": "时区无效", "en": "There is no such time zone"},
    Fault.KIND_DIFFERS: {
        "zh-CN": "与该小区前面的类型或时区不同",
        "en": "The compound has another kind or time zone in a row before",
    },
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a row (1 = the first below the head), in which column."""

    row: int
    column: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Traits:
    """What a compound is besides its name."""

    kind: CompoundKind
    timezone: str = TIMEZONE


@dataclass(slots=True)
class Register:
    """Every place that a file names. areas: names from the county down, wider ones first. homes: of a building, by
    compound, building, unit and door. traits: of each compound."""

    areas: dict[tuple[str, ...], None]
    traits: dict[tuple[str, ...], Traits]
    buildings: dict[tuple[tuple[str, ...], str], None]
    homes: dict[tuple[tuple[str, ...], str, str, str], None]


def columns_of(head: Iterable[str]) -> dict[str, int] | list[str]:
    """Where each known column stands; or the names of those that are missing: a county is needed."""
    found: dict[str, int] = {}
    for place, text in enumerate(head):
        name = NAMES.get(text.strip().lower())
        if name is not None:
            found.setdefault(name, place)
    return found if "county" in found else ["county"]


def read(rows: Sequence[Sequence[str]], columns: dict[str, int]) -> tuple[Register, list[Wrong]]:
    """The places that ``rows`` (without the head) name, and what is wrong with rows; those name nothing."""
    register, wrong = Register({}, {}, {}, {}), list[Wrong]()
    for number, cells in enumerate(rows, 1):
        said = {name: cells[at].strip() if at < len(cells) else "" for name, at in columns.items()}
        found = _add(register, said)
        if found is not None:
            wrong.append(Wrong(number, *found))
    return register, wrong


def _add(register: Register, said: dict[str, str]) -> tuple[str, Fault] | None:
    """Take a row in; or what is wrong with it, and nothing of it is taken."""
    for name, text in said.items():
        if len(text) > MOST_NAME or not text.isprintable():
            return name, Fault.BAD_TEXT
    named = [bool(said.get(level)) for level in LEVELS]
    deepest = max((at for at, there in enumerate(named) if there), default=0)
    if not all(named[: deepest + 1]):
        return LEVELS[named.index(False)], Fault.MISSING
    path = tuple(said[level] for level in LEVELS[: min(deepest, 3) + 1])
    if len(path) == 4:
        wrong = _traits(register, path, said)
        if wrong is not None:
            return wrong
    for depth in range(1, len(path) + 1):
        register.areas.setdefault(path[:depth])
    if deepest >= 4:
        register.buildings.setdefault((path, said["building"]))
    if deepest == 5:
        register.homes.setdefault((path, said["building"], said.get("unit", ""), said["door"]))
    return None


def _traits(register: Register, path: tuple[str, ...], said: dict[str, str]) -> tuple[str, Fault] | None:
    """What the compound is. Rows after its first need not say it again, and may not say otherwise."""
    known = register.traits.get(path)
    kind = KINDS.get(said.get("kind", "").lower()) if said.get("kind") else known.kind if known else None
    if kind is None:
        return "kind", Fault.BAD_KIND
    zone = said.get("timezone") or (known.timezone if known else TIMEZONE)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return "timezone", Fault.BAD_TIMEZONE
    if known is not None and known != Traits(kind, zone):
        return "kind", Fault.KIND_DIFFERS
    register.traits[path] = Traits(kind, zone)
    return None
