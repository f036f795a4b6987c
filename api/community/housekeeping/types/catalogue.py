"""GraphQL types of what is offered: providers, price lists, workers, their hours and absences."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from api.community.housekeeping import loaders
from api.context import Info
from api.estate.types import Area, area_of
from api.identity.types import Account, account_of
from api.nodes import Node, global_id, optional_id
from domain.community.housekeeping.rules import Unit
from domain.community.housekeeping.slots import A_DAY, Asked, Slot, wish
from domain.kernel.uow import AnyRow


@strawberry.type(description="A firm that cleans in a compound. 家政服务商。")
class HousekeepingProvider(Node):
    """One provider."""

    name: str
    licence: str = strawberry.field(description="Unified social credit code, or empty. 统一社会信用代码。")
    contact: str
    retired_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="Its price list. 价目表。")
    async def services(self, info: Info) -> list[HousekeepingService]:
        rows = await info.context.loaders.one(loaders.services_of, self.row.id)
        return [service(row) for row in rows or ()]

    @strawberry.field(description="Who works for it. 服务人员。")
    async def workers(self, info: Info) -> list[HousekeepingWorker]:
        rows = await info.context.loaders.one(loaders.workers_of, self.row.id)
        return [worker(row) for row in rows or ()]

    @strawberry.field(description="The compound it serves. 服务小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


@strawberry.type(description="An entry of a price list, in fen per unit. 价目（单位：分）。")
class HousekeepingService(Node):
    """One entry. ``pace``: square metres in an hour, where that is the unit."""

    name: str
    description: str
    unit: Unit
    price_fen: int
    minimum_fen: int = strawberry.field(description="What a booking costs at least. 起步价（分）。")
    minutes: int = strawberry.field(description="How long a visit takes, or the least that is booked. 时长或最短时长。")
    pace: int | None = strawberry.field(description="Square metres in an hour. 每小时平方米数。")
    free_hours: int = strawberry.field(description="Cancelling is free until so many hours before. 免费取消小时数。")
    late_percent: int = strawberry.field(description="Of the price, for cancelling later. 逾期取消扣款百分比。")
    retired_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="Free times on some days, two hours to 180 days ahead. 可约时段。")
    async def slots(
        self,
        info: Info,
        since: Annotated[datetime | None, strawberry.argument(name="from", description="A day. 起始日。")] = None,
        days: int = 1,
        first: Annotated[int, strawberry.argument(description="How many at most. 最多条数。")] = A_DAY,
        minutes: int | None = None,
        square_metres: int | None = None,
        worker: strawberry.ID | None = None,
    ) -> list[HousekeepingSlot]:
        who = optional_id(worker, "HousekeepingWorker", field="worker")
        asked = Asked(since, days, first, minutes, square_metres, who)
        wanted = wish(self.row, asked, now=info.context.now())
        return [slot(each) for each in await info.context.loaders.one(loaders.slots, wanted) or ()]

    @strawberry.field(description="Whose price list. 所属服务商。")
    async def provider(self, info: Info) -> HousekeepingProvider | None:
        return await provider_of(info, self.row.provider_id)


@strawberry.type(description="Working hours on a day of the week, local time. 工作时段（当地时间）。")
class HousekeepingHours:
    """``weekday``: 1 Monday to 7 Sunday; ``opens`` and ``closes``: minutes of the day, 1440 is midnight."""

    weekday: int
    opens: int
    closes: int


@strawberry.type(description="Somebody who works for a provider. 家政服务人员。")
class HousekeepingWorker(Node):
    """One worker."""

    name: str
    ratings: int = strawberry.field(description="How often they were rated. 评价次数。")
    rating: float | None = strawberry.field(description="Stars on average. 平均星级。")
    retired_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="When they work. 工作时间。")
    async def hours(self, info: Info) -> list[HousekeepingHours]:
        rows = await info.context.loaders.one(loaders.shifts_of, self.row.id)
        return [HousekeepingHours(weekday=row.weekday, opens=row.opens, closes=row.closes) for row in rows or ()]

    @strawberry.field(description="Whom they work for. 所属服务商。")
    async def provider(self, info: Info) -> HousekeepingProvider | None:
        return await provider_of(info, self.row.provider_id)

    @strawberry.field(description="Their account, if visible. 账号（如可见）。")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.row.worker_account_id)


@strawberry.type(description="A free time. 可约时段。")
class HousekeepingSlot:
    """Who has this time."""

    starts_at: datetime
    ends_at: datetime
    worker_ids: strawberry.Private[Sequence[int]]

    @strawberry.field(description="Who is free then. 可约人员。")
    async def workers(self, info: Info) -> list[HousekeepingWorker]:
        found = await asyncio.gather(*(worker_of(info, each) for each in self.worker_ids))
        return [worker for worker in found if worker is not None]


@strawberry.type(description="A time in which a worker is not there. 请假。")
class HousekeepingAbsence(Node):
    """One absence."""

    starts_at: datetime
    ends_at: datetime
    removed_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="Who is not there. 请假人员。")
    async def worker(self, info: Info) -> HousekeepingWorker | None:
        return await worker_of(info, self.row.worker_id)


def provider(row: AnyRow) -> HousekeepingProvider:
    """The GraphQL object of a provider row."""
    return HousekeepingProvider(
        id=global_id("HousekeepingProvider", row.id),
        name=row.name,
        licence=row.licence,
        contact=row.contact,
        retired_at=row.retired_at,
        row=row,
    )


def service(row: AnyRow) -> HousekeepingService:
    """The GraphQL object of a price list entry."""
    return HousekeepingService(
        id=global_id("HousekeepingService", row.id),
        name=row.name,
        description=row.description,
        unit=Unit(row.unit),
        price_fen=row.price_fen,
        minimum_fen=row.minimum_fen,
        minutes=row.minutes,
        pace=row.pace,
        free_hours=row.free_hours,
        late_percent=row.late_percent,
        retired_at=row.retired_at,
        row=row,
    )


def worker(row: AnyRow) -> HousekeepingWorker:
    """The GraphQL object of a worker row."""
    return HousekeepingWorker(
        id=global_id("HousekeepingWorker", row.id),
        name=row.name,
        ratings=row.ratings,
        rating=row.stars / row.ratings if row.ratings else None,
        retired_at=row.retired_at,
        row=row,
    )


def slot(found: Slot) -> HousekeepingSlot:
    """The GraphQL object of a free time."""
    return HousekeepingSlot(starts_at=found.span.starts_at, ends_at=found.span.ends_at, worker_ids=found.workers)


def absence(row: AnyRow) -> HousekeepingAbsence:
    """The GraphQL object of an absence row."""
    return HousekeepingAbsence(
        id=global_id("HousekeepingAbsence", row.id),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        removed_at=row.removed_at,
        row=row,
    )


async def provider_of(info: Info, provider_id: int) -> HousekeepingProvider | None:
    """The provider, read together with its siblings; None when the caller may not see it."""
    row = await info.context.loaders.one(loaders.providers, provider_id)
    return provider(row) if row is not None else None


async def service_of(info: Info, service_id: int) -> HousekeepingService | None:
    """The price list entry, read together with its siblings; None when the caller may not see it."""
    row = await info.context.loaders.one(loaders.services, service_id)
    return service(row) if row is not None else None


async def worker_of(info: Info, worker_id: int) -> HousekeepingWorker | None:
    """The worker, read together with their siblings; None when the caller may not see them."""
    row = await info.context.loaders.one(loaders.workers, worker_id)
    return worker(row) if row is not None else None
