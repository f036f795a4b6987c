"""Root mutations on what is offered: providers, price lists, workers, hours and absences."""

from __future__ import annotations

import strawberry

from api.community.housekeeping.inputs import (
    AddHousekeepingAbsenceInput,
    AddHousekeepingProviderInput,
    AddHousekeepingServiceInput,
    SetHousekeepingHoursInput,
)
from api.community.housekeeping.queries import read_absence, read_provider, read_service, read_worker
from api.community.housekeeping.types import catalogue as types
from api.context import Info
from api.nodes import fresh, row_id
from domain.community.housekeeping import catalogue, staff


@strawberry.type
class HousekeepingMutation:
    """Root mutations of housekeeping's offers."""

    @strawberry.mutation(description="Enter a provider. 登记家政服务商。")
    async def add_housekeeping_provider(
        self, info: Info, input: AddHousekeepingProviderInput
    ) -> types.HousekeepingProvider:
        async with info.context.uow() as uow:
            provider_id = await catalogue.add_provider(uow, new=input.command())
        return await fresh(info.context, read_provider, provider_id)

    @strawberry.mutation(description="Nothing more can be booked of it. 停用家政服务商。")
    async def retire_housekeeping_provider(self, info: Info, id: strawberry.ID) -> types.HousekeepingProvider:
        provider_id = row_id(id, "HousekeepingProvider")
        async with info.context.uow() as uow:
            await catalogue.retire_provider(uow, provider_id=provider_id)
        return await fresh(info.context, read_provider, provider_id)

    @strawberry.mutation(description="Add an entry to a price list. 添加价目。")
    async def add_housekeeping_service(
        self, info: Info, input: AddHousekeepingServiceInput
    ) -> types.HousekeepingService:
        async with info.context.uow() as uow:
            service_id = await catalogue.add_service(uow, new=input.command())
        return await fresh(info.context, read_service, service_id)

    @strawberry.mutation(description="Take an entry off a price list. 停用价目。")
    async def retire_housekeeping_service(self, info: Info, id: strawberry.ID) -> types.HousekeepingService:
        service_id = row_id(id, "HousekeepingService")
        async with info.context.uow() as uow:
            await catalogue.retire_service(uow, service_id=service_id)
        return await fresh(info.context, read_service, service_id)

    @strawberry.mutation(description="Somebody works for a provider; gives them the role. 登记家政人员并授予角色。")
    async def add_housekeeping_worker(
        self, info: Info, provider: strawberry.ID, phone: str, name: str
    ) -> types.HousekeepingWorker:
        provider_id, vault = row_id(provider, "HousekeepingProvider", field="provider"), info.context.services.vault
        async with info.context.uow() as uow:
            worker_id = await staff.add_worker(uow, vault=vault, provider_id=provider_id, phone=phone, name=name)
        return await fresh(info.context, read_worker, worker_id)

    @strawberry.mutation(description="The worker does not work here any more. 停用家政人员。")
    async def retire_housekeeping_worker(self, info: Info, id: strawberry.ID) -> types.HousekeepingWorker:
        worker_id = row_id(id, "HousekeepingWorker")
        async with info.context.uow() as uow:
            await staff.retire_worker(uow, worker_id=worker_id)
        return await fresh(info.context, read_worker, worker_id)

    @strawberry.mutation(description="When a worker works, from now on. 设置工作时间。")
    async def set_housekeeping_hours(self, info: Info, input: SetHousekeepingHoursInput) -> types.HousekeepingWorker:
        worker_id = row_id(input.worker, "HousekeepingWorker", field="worker")
        async with info.context.uow() as uow:
            await staff.set_hours(uow, worker_id=worker_id, shifts=[each.shift() for each in input.hours])
        return await fresh(info.context, read_worker, worker_id)

    @strawberry.mutation(description="A worker is not there. 登记请假。")
    async def add_housekeeping_absence(
        self, info: Info, input: AddHousekeepingAbsenceInput
    ) -> types.HousekeepingAbsence:
        worker_id, span = row_id(input.worker, "HousekeepingWorker", field="worker"), (input.starts_at, input.ends_at)
        async with info.context.uow() as uow:
            added = await staff.add_absence(uow, worker_id=worker_id, starts_at=span[0], ends_at=span[1])
        return await fresh(info.context, read_absence, added)

    @strawberry.mutation(description="The worker is there after all. 撤销请假。")
    async def remove_housekeeping_absence(self, info: Info, id: strawberry.ID) -> types.HousekeepingAbsence:
        absence_id = row_id(id, "HousekeepingAbsence")
        async with info.context.uow() as uow:
            await staff.remove_absence(uow, absence_id=absence_id)
        return await fresh(info.context, read_absence, absence_id)
