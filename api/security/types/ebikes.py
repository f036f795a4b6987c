"""GraphQL types of e-bikes and their tags."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.estate.types import Area, Home, area_of, home_of
from api.identity.types import Account, account_of
from api.nodes import Node, global_id
from api.security import loaders
from domain.identity.ports import shown
from domain.kernel.uow import AnyRow
from domain.security.ebikes.rules import TagPlace
from domain.security.ebikes.tags import plate_place, tag_place


@strawberry.type(name="EBikeTag", description="A tag of an e-bike. 电动车标签。")
class EBikeTag(Node):
    """One tag."""

    place: TagPlace
    added_at: datetime
    removed_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="Its number; null once the compound's data was erased. 标签号。")
    async def tag(self, info: Info) -> str | None:
        row = self.row
        place = tag_place(row.ebike_id, row.tag_index)
        return await shown(info.context.services.vault, row.tag, place, area=row.compound_id)

    @strawberry.field(description="The e-bike it is, or was, fixed to. 所属电动车。")
    async def e_bike(self, info: Info) -> EBike | None:
        return await ebike_of(info, self.row.ebike_id)


@strawberry.type(name="EBike", description="An e-bike. 电动自行车。")
class EBike(Node):
    """One e-bike."""

    make: str
    color: str
    guarded: bool
    guarded_since: datetime | None
    created_at: datetime
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="Its plate, if it has one. 号牌。")
    async def plate(self, info: Info) -> str | None:
        row = self.row
        return await shown(info.context.services.vault, row.plate, plate_place(row.id), area=row.compound_id)

    @strawberry.field(description="The tags now fixed to it. 现有标签。")
    async def tags(self, info: Info) -> list[EBikeTag]:
        rows = await info.context.loaders.one(loaders.tags_of, self.row.id)
        return [tag(row) for row in rows or ()]

    @strawberry.field(description="The home it belongs to. 所属住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)

    @strawberry.field(description="Its owner. 车主。")
    async def owner(self, info: Info) -> Account | None:
        return await account_of(info, self.row.account_id)

    @strawberry.field(description="The compound it belongs to. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


def tag(row: AnyRow) -> EBikeTag:
    """The GraphQL object of a tag row."""
    return EBikeTag(
        id=global_id("EBikeTag", row.id),
        place=TagPlace(row.place),
        added_at=row.added_at,
        removed_at=row.removed_at,
        row=row,
    )


def ebike(row: AnyRow) -> EBike:
    """The GraphQL object of an e-bike row."""
    return EBike(
        id=global_id("EBike", row.id),
        make=row.make,
        color=row.color,
        guarded=row.guarded_since is not None,
        guarded_since=row.guarded_since,
        created_at=row.created_at,
        row=row,
    )


async def ebike_of(info: Info, ebike_id: int) -> EBike | None:
    """The e-bike, read together with its siblings; None when the caller may not see it."""
    row = await info.context.loaders.one(loaders.ebikes, ebike_id)
    return ebike(row) if row is not None else None
