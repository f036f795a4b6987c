"""GraphQL types of bookings: the visit, its series, free times, and what came of asking for one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from api.community.housekeeping import loaders
from api.community.housekeeping.types.catalogue import (
    HousekeepingService,
    HousekeepingSlot,
    HousekeepingWorker,
    service_of,
    worker_of,
)
from api.context import Info
from api.estate.types import Area, Home, area_of, home_of
from api.nodes import Node, global_id
from domain.community.housekeeping.calendar import Every
from domain.community.housekeeping.rules import State
from domain.kernel.uow import AnyRow


@strawberry.type(description="A visit that is booked. 家政预约。")
class HousekeepingBooking(Node):
    """One booking."""

    state: State
    starts_at: datetime
    ends_at: datetime
    quantity: int = strawberry.field(description="Minutes, visits or square metres. 数量（分钟、次或平方米）。")
    address: str = strawberry.field(description="Where to. 服务地址。")
    note: str
    price_fen: int
    fee_fen: int = strawberry.field(description="For a late cancellation, in fen. 逾期取消费（分）。")
    free_until: datetime = strawberry.field(description="Cancelling is free until then. 免费取消截止时间。")
    created_at: datetime
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by_office: bool
    stars: int | None
    review: str
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="What the home owes for it; an hourly visit is charged when done. 应收款标识。")
    def charge_id(self) -> strawberry.ID | None:
        return global_id("Charge", self.row.charge_id) if self.row.charge_id is not None else None

    @strawberry.field(description="What is done. 服务项目。")
    async def service(self, info: Info) -> HousekeepingService | None:
        return await service_of(info, self.row.service_id)

    @strawberry.field(description="Who comes. 服务人员。")
    async def worker(self, info: Info) -> HousekeepingWorker | None:
        return await worker_of(info, self.row.worker_id)

    @strawberry.field(description="The home, if visible. 住户（如可见）。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)

    @strawberry.field(description="The compound. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)

    @strawberry.field(description="The series it is of, if visible. 所属周期预约（如可见）。")
    async def series(self, info: Info) -> HousekeepingSeries | None:
        if self.row.series_id is None:
            return None
        row = await info.context.loaders.one(loaders.series, self.row.series_id)
        return series(row) if row is not None else None


@strawberry.type(description="Visits that recur. 周期预约。")
class HousekeepingSeries(Node):
    """One series."""

    every: Every
    ended_at: datetime | None
    row: strawberry.Private[AnyRow]

    @strawberry.field(description="Its visits, in order of time. 各次预约。")
    async def bookings(self, info: Info) -> list[HousekeepingBooking]:
        rows = await info.context.loaders.one(loaders.bookings_of, self.row.id)
        return [booking(row) for row in rows or ()]


@strawberry.type(description="What was booked. 预约成功。")
class HousekeepingBooked:
    """``skipped``: the times of a series that somebody else has."""

    bookings: list[HousekeepingBooking]
    skipped: list[datetime]


@strawberry.type(description="A time that somebody else has. 已被预约的时段。")
class HousekeepingTaken:
    """With the nearest free times."""

    starts_at: datetime
    alternatives: list[HousekeepingSlot]


@strawberry.type(description="Nothing was booked; what is free instead. 预约失败及可选时段。")
class HousekeepingSlotTaken:
    """One entry for each time that is not to be had."""

    taken: list[HousekeepingTaken]


BookHousekeepingResult = Annotated[
    HousekeepingBooked | HousekeepingSlotTaken,
    strawberry.union("BookHousekeepingResult", description="Booked, or what is free instead. 预约结果。"),
]


def booking(row: AnyRow) -> HousekeepingBooking:
    """The GraphQL object of a booking row."""
    return HousekeepingBooking(
        id=global_id("HousekeepingBooking", row.id),
        state=State(row.state),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        quantity=row.quantity,
        address=row.address,
        note=row.note,
        price_fen=row.price_fen,
        fee_fen=row.fee_fen,
        free_until=row.free_until,
        created_at=row.created_at,
        checked_in_at=row.checked_in_at,
        checked_out_at=row.checked_out_at,
        cancelled_at=row.cancelled_at,
        cancelled_by_office=row.by_office,
        stars=row.stars,
        review=row.review,
        row=row,
    )


def series(row: AnyRow) -> HousekeepingSeries:
    """The GraphQL object of a series row."""
    return HousekeepingSeries(
        id=global_id("HousekeepingSeries", row.id), every=Every(row.every), ended_at=row.ended_at, row=row
    )
