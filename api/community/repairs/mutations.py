"""Root mutations of repairs."""

from __future__ import annotations

import strawberry

from api.community.repairs import types
from api.community.repairs.inputs import ItemInput, RequestRepairInput, upload_ids
from api.community.repairs.queries import read_repair, read_worker
from api.context import Context, Info
from api.nodes import fresh, optional_id, row_id
from domain.community.repairs import service, working
from domain.community.repairs.rules import Skill


def _id(request: strawberry.ID) -> int:
    return row_id(request, "RepairRequest", field="request")


async def _after(context: Context, repair_id: int) -> types.RepairRequest:
    return await fresh(context, read_repair, repair_id)


@strawberry.type
class RepairMutation:
    """Root mutations of repairs: of homes and office."""

    @strawberry.mutation(description="Ask for a repair of a home. 提交报修。")
    async def request_repair(self, info: Info, input: RequestRepairInput) -> types.RepairRequest:
        async with info.context.uow() as uow:
            repair_id = await service.request_repair(uow, input.command())
        return await _after(info.context, repair_id)

    @strawberry.mutation(description="Call a repair off. 取消报修。")
    async def cancel_repair(self, info: Info, request: strawberry.ID, reason: str) -> types.RepairRequest:
        repair_id = _id(request)
        async with info.context.uow() as uow:
            await service.cancel_repair(uow, repair_id=repair_id, reason=reason)
        return await _after(info.context, repair_id)

    @strawberry.mutation(description="Agree to what is quoted, or not. 答复报价。")
    async def answer_quotation(
        self, info: Info, request: strawberry.ID, accept: bool, note: str = ""
    ) -> types.RepairRequest:
        repair_id = _id(request)
        async with info.context.uow() as uow:
            await service.answer_quotation(uow, repair_id=repair_id, accept=accept, note=note)
        return await _after(info.context, repair_id)

    @strawberry.mutation(description="Say how it was: one to five, and words. 评价维修。")
    async def rate_repair(self, info: Info, request: strawberry.ID, stars: int, text: str = "") -> types.RepairRequest:
        repair_id = _id(request)
        async with info.context.uow() as uow:
            await service.rate_repair(uow, repair_id=repair_id, stars=stars, text=text)
        return await _after(info.context, repair_id)

    @strawberry.mutation(
        description="Give a repair, also another's, to a worker or the next in turn. 派单、改派（可按轮次）。"
    )
    async def assign_repair(
        self, info: Info, request: strawberry.ID, worker: strawberry.ID | None = None
    ) -> types.RepairRequest:
        repair_id, to = _id(request), optional_id(worker, "RepairWorker", field="worker")
        async with info.context.uow() as uow:
            await working.assign_repair(uow, repair_id=repair_id, worker_id=to)
        return await _after(info.context, repair_id)

    @strawberry.mutation(description="Do not have it repaired, and say why. 驳回报修。")
    async def reject_repair(self, info: Info, request: strawberry.ID, reason: str) -> types.RepairRequest:
        repair_id = _id(request)
        async with info.context.uow() as uow:
            await service.reject_repair(uow, repair_id=repair_id, reason=reason)
        return await _after(info.context, repair_id)

    @strawberry.mutation(description="Put down what the home said afterwards. 登记回访结果。")
    async def record_return_visit(
        self, info: Info, request: strawberry.ID, satisfied: bool, note: str = ""
    ) -> types.RepairRequest:
        repair_id = _id(request)
        async with info.context.uow() as uow:
            await service.record_return_visit(uow, repair_id=repair_id, satisfied=satisfied, note=note)
        return await _after(info.context, repair_id)

    @strawberry.mutation(description="What a service worker can repair; none ends it. 设置维修技能。")
    async def set_repair_skills(self, info: Info, grant: strawberry.ID, skills: list[Skill]) -> types.RepairWorker:
        grant_id = row_id(grant, "RoleGrant", field="grant")
        async with info.context.uow() as uow:
            worker_id = await working.set_skills(uow, grant_id=grant_id, skills=skills)
        return await fresh(info.context, read_worker, worker_id)


@strawberry.type
class RepairWorkMutation:
    """Root mutations of repairs: of workers."""

    @strawberry.mutation(description="Take an open repair; of several one gets it. 抢单。")
    async def grab_repair(self, info: Info, offer: strawberry.ID) -> types.RepairRequest:
        repair_id = row_id(offer, "RepairOffer", field="offer")
        async with info.context.uow() as uow:
            await working.grab_repair(uow, repair_id=repair_id)
        return await _after(info.context, repair_id)

    @strawberry.mutation(description="Give a repair back before it is quoted. 退单。")
    async def release_repair(self, info: Info, request: strawberry.ID, reason: str) -> bool:
        repair_id = _id(request)
        async with info.context.uow() as uow:
            await working.release_repair(uow, repair_id=repair_id, reason=reason)
        return True

    @strawberry.mutation(description="Say what it will cost. 提交报价。")
    async def quote_repair(
        self, info: Info, request: strawberry.ID, items: list[ItemInput], note: str = ""
    ) -> types.RepairRequest:
        repair_id, lines = _id(request), [each.item() for each in items]
        async with info.context.uow() as uow:
            await working.quote_repair(uow, repair_id=repair_id, items=lines, note=note)
        return await _after(info.context, repair_id)

    @strawberry.mutation(description="Begin the work, with pictures of before. 开始维修。")
    async def start_repair(
        self, info: Info, request: strawberry.ID, uploads: list[strawberry.ID] | None = None
    ) -> types.RepairRequest:
        repair_id, pictures = _id(request), upload_ids(uploads or [])
        async with info.context.uow() as uow:
            await working.start_repair(uow, repair_id=repair_id, uploads=pictures)
        return await _after(info.context, repair_id)

    @strawberry.mutation(description="The work is done; without items as agreed. 完成维修。")
    async def finish_repair(
        self,
        info: Info,
        request: strawberry.ID,
        items: list[ItemInput] | None = None,
        note: str = "",
        uploads: list[strawberry.ID] | None = None,
    ) -> types.RepairRequest:
        repair_id, pictures = _id(request), upload_ids(uploads or [])
        used = None if items is None else [each.item() for each in items]
        async with info.context.uow() as uow:
            await working.finish_repair(uow, repair_id=repair_id, items=used, note=note, uploads=pictures)
        return await _after(info.context, repair_id)
