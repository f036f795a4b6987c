"""Root mutations on bookings: for homes, for the office, for who comes."""

from __future__ import annotations

import strawberry

from api.community.housekeeping.inputs import BookHousekeepingInput
from api.community.housekeeping.offering import booked, instead
from api.community.housekeeping.queries import read_booking, read_series
from api.community.housekeeping.types import bookings as types
from api.context import Info
from api.nodes import fresh, row_id
from domain.community.housekeeping import service, visits
from domain.community.housekeeping.errors import SlotTaken


@strawberry.type
class HousekeepingBookingMutation:
    """Root mutations of bookings."""

    @strawberry.mutation(description="Book a visit, or visits that recur. 预约家政服务。")
    async def book_housekeeping(self, info: Info, input: BookHousekeepingInput) -> types.BookHousekeepingResult:
        wanted = input.command()
        try:
            async with info.context.uow() as uow:
                made = await service.book(uow, wanted=wanted)
        except SlotTaken as taken:
            return await instead(info, wanted, taken.taken)
        return await booked(info, made)

    @strawberry.mutation(description="Cancel a visit; late, a part of the price is due. 取消预约。")
    async def cancel_housekeeping(self, info: Info, id: strawberry.ID) -> types.HousekeepingBooking:
        booking_id = row_id(id, "HousekeepingBooking")
        async with info.context.uow() as uow:
            await visits.cancel(uow, booking_id=booking_id)
        return await fresh(info.context, read_booking, booking_id)

    @strawberry.mutation(description="No more of a series; visits to come are cancelled. 终止周期预约。")
    async def end_housekeeping_series(self, info: Info, id: strawberry.ID) -> types.HousekeepingSeries:
        series_id = row_id(id, "HousekeepingSeries")
        async with info.context.uow() as uow:
            await visits.end_series(uow, series_id=series_id)
        return await fresh(info.context, read_series, series_id)

    @strawberry.mutation(description="Another worker of the provider comes. 改派人员。")
    async def reassign_housekeeping(
        self, info: Info, id: strawberry.ID, worker: strawberry.ID
    ) -> types.HousekeepingBooking:
        booking_id, worker_id = row_id(id, "HousekeepingBooking"), row_id(worker, "HousekeepingWorker", field="worker")
        async with info.context.uow() as uow:
            await visits.reassign(uow, booking_id=booking_id, worker_id=worker_id)
        return await fresh(info.context, read_booking, booking_id)

    @strawberry.mutation(description="The worker is there. 签到。")
    async def check_in_housekeeping(self, info: Info, id: strawberry.ID) -> types.HousekeepingBooking:
        booking_id = row_id(id, "HousekeepingBooking")
        async with info.context.uow() as uow:
            await visits.check_in(uow, booking_id=booking_id)
        return await fresh(info.context, read_booking, booking_id)

    @strawberry.mutation(
        description="The work is done; said by the worker, or by the office for them. 签退（物业可代办）。"
    )
    async def check_out_housekeeping(self, info: Info, id: strawberry.ID) -> types.HousekeepingBooking:
        booking_id = row_id(id, "HousekeepingBooking")
        async with info.context.uow() as uow:
            await visits.check_out(uow, booking_id=booking_id)
        return await fresh(info.context, read_booking, booking_id)

    @strawberry.mutation(description="Say how it was, once. 评价。")
    async def rate_housekeeping(
        self, info: Info, id: strawberry.ID, stars: int, review: str = ""
    ) -> types.HousekeepingBooking:
        booking_id = row_id(id, "HousekeepingBooking")
        async with info.context.uow() as uow:
            await visits.rate(uow, booking_id=booking_id, stars=stars, review=review)
        return await fresh(info.context, read_booking, booking_id)
