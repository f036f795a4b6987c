"""Words of bills that the whole slice shares."""

from __future__ import annotations

from enum import StrEnum


class BillKind(StrEnum):
    """What a bill is for. The first three are utilities: their bills name an account (户号) at the supplier."""

    WATER = "water"
    ELECTRICITY = "electricity"
    GAS = "gas"
    PROPERTY = "property"

    @property
    def utility(self) -> bool:
        """Whether a supplier, not the property office, makes it."""
        return self is not BillKind.PROPERTY


class BillSource(StrEnum):
    """Where a bill comes from: a fee rule, a file, a supplier or property system asked for it, or a correction."""

    OFFICE = "office"
    IMPORT = "import"
    PULLED = "pulled"
    CORRECTION = "correction"


class BillState(StrEnum):
    """issued: a charge says whether it is paid. settled: nothing (more) to pay, the prepaid balance covered it or it is
    a credit. replaced: a correcting bill stands in its place. written_off: nobody will ask for it again. withdrawn: its
    supplier lists it no longer, it was paid elsewhere or taken back."""

    ISSUED = "issued"
    SETTLED = "settled"
    REPLACED = "replaced"
    WRITTEN_OFF = "written_off"
    WITHDRAWN = "withdrawn"


TITLES = {
    BillKind.WATER: "水费",
    BillKind.ELECTRICITY: "电费",
    BillKind.GAS: "燃气费",
    BillKind.PROPERTY: "物业费",
}
"""What a bill is called that comes without a title."""
