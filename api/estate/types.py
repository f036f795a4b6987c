"""GraphQL types of the estate: areas, buildings and homes."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.estate import loaders
from api.nodes import Node, global_id
from api.paging import Connection, connection
from domain.estate import queries
from domain.estate.models import CompoundKind
from domain.kernel.actor import Level
from domain.kernel.paging import page_size
from domain.kernel.uow import AnyRow

strawberry.enum(Level, name="AreaLevel", description="The four levels, widest first. 四级区域。")
strawberry.enum(CompoundKind, description="Closed or open compound. 封闭式或开放式小区。")


@strawberry.type(description="A county, town, community or compound. 县、镇、社区或小区。")
class Area(Node):
    """One place of the tree."""

    level: Level
    name: str
    kind: CompoundKind | None
    timezone: str
    row_id: strawberry.Private[int]
    parent_id: strawberry.Private[int | None]

    @strawberry.field(description="The area above, if it is visible. 上级区域（如可见）。")
    async def parent(self, info: Info) -> Area | None:
        return await area_of(info, self.parent_id) if self.parent_id is not None else None

    @strawberry.field(description="The areas directly below. 直接下级区域。")
    async def children(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Area]:
        context = info.context
        page = await queries.area_page(
            context.read, context.actor, level=None, parent_id=self.row_id, first=page_size(first), after=after
        )
        return connection(page, area)

    @strawberry.field(description="The compound's buildings. 小区楼栋。")
    async def buildings(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Building]:
        context = info.context
        page = await queries.building_page(
            context.read, context.actor, compound_id=self.row_id, first=page_size(first), after=after
        )
        return connection(page, building)


@strawberry.type(description="A building of a compound. 楼栋。")
class Building(Node):
    """One building."""

    name: str
    row_id: strawberry.Private[int]
    compound_id: strawberry.Private[int]

    @strawberry.field(description="The compound it stands in. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.compound_id)

    @strawberry.field(description="Its homes, those the caller may see. 住户（可见部分）。")
    async def homes(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Home]:
        context = info.context
        page = await queries.home_page(
            context.read, context.actor, building_id=self.row_id, first=page_size(first), after=after
        )
        return connection(page, home)


@strawberry.type(description="A home: a door in a building. 住户。")
class Home(Node):
    """One home."""

    unit: str
    door: str
    row_id: strawberry.Private[int]
    compound_id: strawberry.Private[int]
    building_id: strawberry.Private[int]

    @strawberry.field(description="The building it is in. 所在楼栋。")
    async def building(self, info: Info) -> Building | None:
        row = await info.context.loaders.one(loaders.buildings, self.building_id)
        return building(row) if row is not None else None

    @strawberry.field(description="The compound it is in. 所在小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.compound_id)


def area(row: AnyRow) -> Area:
    """The GraphQL object of an area row."""
    return Area(
        id=global_id("Area", row.id),
        level=Level(row.level),
        name=row.name,
        kind=CompoundKind(row.kind) if row.kind is not None else None,
        timezone=row.timezone,
        row_id=row.id,
        parent_id=row.parent_id,
    )


def building(row: AnyRow) -> Building:
    """The GraphQL object of a building row."""
    return Building(id=global_id("Building", row.id), name=row.name, row_id=row.id, compound_id=row.compound_id)


def home(row: AnyRow) -> Home:
    """The GraphQL object of a home row."""
    return Home(
        id=global_id("Home", row.id),
        unit=row.unit,
        door=row.door,
        row_id=row.id,
        compound_id=row.compound_id,
        building_id=row.building_id,
    )


async def area_of(info: Info, area_id: int) -> Area | None:
    """The area ``area_id``, read together with its siblings; None when the caller may not see it."""
    row = await info.context.loaders.one(loaders.areas, area_id)
    return area(row) if row is not None else None


async def home_of(info: Info, home_id: int | None) -> Home | None:
    """The home ``home_id``, read together with its siblings; None when there is none or the caller may not see it."""
    row = await info.context.loaders.one(loaders.homes, home_id) if home_id is not None else None
    return home(row) if row is not None else None
