"""Root queries and node readers of housekeeping."""

from __future__ import annotations

import strawberry

from api.community.housekeeping import loaders
from api.community.housekeeping.types import bookings, catalogue
from api.context import Info
from api.nodes import NodeReader, by_number, optional_id
from api.paging import Connection, connection
from domain.community.housekeeping.queries import absence_page, booking_page, provider_page
from domain.community.housekeeping.rules import State
from domain.kernel.paging import page_size


@strawberry.type
class HousekeepingQuery:
    """Root queries of housekeeping."""

    @strawberry.field(description="Providers with their price lists, in order of id. 家政服务商及价目。")
    async def housekeeping_providers(
        self, info: Info, compound: strawberry.ID | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[catalogue.HousekeepingProvider]:
        read, actor = info.context.read, info.context.actor
        where = optional_id(compound, "Area", field="compound")
        page = await provider_page(read, actor, compound_id=where, first=page_size(first), after=after)
        return connection(page, catalogue.provider)

    @strawberry.field(description="When workers are not there, in order of id. 请假记录。")
    async def housekeeping_absences(
        self, info: Info, compound: strawberry.ID | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[catalogue.HousekeepingAbsence]:
        read, actor = info.context.read, info.context.actor
        where = optional_id(compound, "Area", field="compound")
        page = await absence_page(read, actor, compound_id=where, first=page_size(first), after=after)
        return connection(page, catalogue.absence)

    @strawberry.field(description="Bookings the caller sees, in order of id. 家政预约。")
    async def housekeeping_bookings(
        self,
        info: Info,
        compound: strawberry.ID | None = None,
        home: strawberry.ID | None = None,
        state: State | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> Connection[bookings.HousekeepingBooking]:
        page = await booking_page(
            info.context.read,
            info.context.actor,
            compound_id=optional_id(compound, "Area", field="compound"),
            home_id=optional_id(home, "Home", field="home"),
            state=state,
            first=page_size(first),
            after=after,
        )
        return connection(page, bookings.booking)


read_provider = by_number(loaders.providers, catalogue.provider)
read_service = by_number(loaders.services, catalogue.service)
read_worker = by_number(loaders.workers, catalogue.worker)
read_absence = by_number(loaders.absences, catalogue.absence)
read_booking = by_number(loaders.bookings, bookings.booking)
read_series = by_number(loaders.series, bookings.series)


NODE_READERS: dict[str, NodeReader] = {
    "HousekeepingProvider": read_provider,
    "HousekeepingService": read_service,
    "HousekeepingWorker": read_worker,
    "HousekeepingAbsence": read_absence,
    "HousekeepingBooking": read_booking,
    "HousekeepingSeries": read_series,
}
