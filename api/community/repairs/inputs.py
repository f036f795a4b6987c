"""Inputs of the mutations of repairs."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.nodes import optional_id, row_id
from domain.community.repairs.errors import InvalidWindow
from domain.community.repairs.rules import Item, ItemKind, RepairKind
from domain.community.repairs.service import NewRepair


def upload_ids(uploads: list[strawberry.ID]) -> list[int]:
    """The integer ids behind the ids of uploads. Raises NotFound."""
    return [row_id(each, "Upload", field="uploads") for each in uploads]


@strawberry.input(description="A repair that is asked for. 报修参数。")
class RequestRepairInput:
    """``window_from`` and ``window_to`` go together: when somebody is at home."""

    home: strawberry.ID
    kind: RepairKind
    title: str
    description: str = ""
    window_from: datetime | None = None
    window_to: datetime | None = None
    warranty_of: strawberry.ID | None = None
    uploads: list[strawberry.ID] = strawberry.field(default_factory=list)

    def command(self) -> NewRepair:
        """The input in the domain's words. Raises NotFound, InvalidWindow."""
        begins, ends = self.window_from, self.window_to
        if (begins is None) != (ends is None):
            raise InvalidWindow(field="window")
        return NewRepair(
            home_id=row_id(self.home, "Home", field="home"),
            kind=self.kind,
            title=self.title,
            description=self.description,
            window=None if begins is None or ends is None else (begins, ends),
            warranty_of=optional_id(self.warranty_of, "RepairRequest", field="warrantyOf"),
            uploads=upload_ids(self.uploads),
        )


@strawberry.input(name="RepairItemInput", description="A part or work. 配件或人工明细。")
class ItemInput:
    """``unit_fen``: the price of one, in fen."""

    kind: ItemKind
    name: str
    quantity: int = 1
    unit_fen: int

    def item(self) -> Item:
        """The input in the domain's words."""
        return Item(self.kind, self.name, self.quantity, self.unit_fen)
