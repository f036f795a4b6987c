"""The county, its two towns, three communities and six compounds. Every name is invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.estate.models import CompoundKind

COUNTY: Final = "云溪县（示例）"
BUILDINGS: Final = 4
UNITS: Final = 2
FLOORS: Final = 3
DOORS: Final = 2
HOMES_PER_BUILDING: Final = UNITS * FLOORS * DOORS


@dataclass(frozen=True, slots=True)
class Compound:
    """A compound to be. ``index``: 0 to 5; ``mark``: the sign its residents' names carry."""

    index: int
    mark: str
    name: str
    kind: CompoundKind
    community: str
    town: str

    @property
    def closed(self) -> bool:
        """Whether it has gates; an open one has cameras at its edges."""
        return self.kind is CompoundKind.CLOSED


_ROWS: Final = (
    ("甲", "云溪花园", CompoundKind.CLOSED, "柳岸社区", "东溪镇"),
    ("乙", "柳岸新村", CompoundKind.OPEN, "柳岸社区", "东溪镇"),
    ("丙", "听泉苑", CompoundKind.CLOSED, "听泉社区", "东溪镇"),
    ("丁", "松风里", CompoundKind.OPEN, "听泉社区", "东溪镇"),
    ("戊", "北塘苑", CompoundKind.CLOSED, "北塘社区", "西溪镇"),
    ("己", "望溪家园", CompoundKind.CLOSED, "北塘社区", "西溪镇"),
)
COMPOUNDS: Final = tuple(Compound(index, *row) for index, row in enumerate(_ROWS))
TOWNS: Final = tuple(dict.fromkeys(compound.town for compound in COMPOUNDS))
COMMUNITIES: Final = tuple(dict.fromkeys((compound.town, compound.community) for compound in COMPOUNDS))


@dataclass(frozen=True, slots=True)
class Door:
    """A home to be: ``building`` 0 to 3, ``unit`` "1", ``door`` "301"."""

    building: int
    unit: str
    door: str


def building_name(building: int) -> str:
    """ "1号楼" for building 0."""
    return f"{building + 1}号楼"


def doors() -> list[Door]:
    """Every home of a compound, building by building."""
    return [
        Door(building, str(unit), f"{floor}{door:02d}")
        for building in range(BUILDINGS)
        for unit in range(1, UNITS + 1)
        for floor in range(1, FLOORS + 1)
        for door in range(1, DOORS + 1)
    ]


def lived_in() -> list[Door]:
    """The homes of a compound that have residents: every third one, so that each building has some."""
    return doors()[::3]
