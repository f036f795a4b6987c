"""E-bikes of a compound, their tags, and which of them are guarded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cli.demo_world.places import Compound

_MAKES: Final = (
    ("示例牌", "白"),
    ("示例牌", "红"),
    ("样板牌", "蓝"),
    ("样板牌", "黑"),
    ("示例牌", "绿"),
    ("样板牌", "银"),
)
_HOMES: Final = (0, 1, 4, 6, 9, 11)


@dataclass(frozen=True, slots=True)
class Bike:
    """An e-bike to be; ``home`` counts the homes that are lived in. tags: (tag, place on the bike)."""

    home: int
    plate: str
    make: str
    color: str
    guarded: bool
    tags: tuple[tuple[str, str], ...]


def bike_tag(compound: int, number: int) -> str:
    """A UHF tag id as its maker burns it in: 24 hexadecimal digits."""
    return f"E2801191A5{compound:02X}{number:012X}"


def bikes(compound: Compound) -> list[Bike]:
    """Six e-bikes, every second one guarded; every third one has a tag in its battery too."""
    return [
        Bike(
            home=home,
            plate=f"示例{compound.index + 1}{number:04d}",
            make=make,
            color=color,
            guarded=number % 2 == 1,
            tags=(
                (bike_tag(compound.index, number), "bike"),
                *(((bike_tag(compound.index, 0x8000 + number), "battery"),) if number % 3 == 1 else ()),
            ),
        )
        for number, (home, (make, color)) in enumerate(zip(_HOMES, _MAKES, strict=True), start=1)
    ]
