"""Root mutations of auto-pay."""

from __future__ import annotations

import strawberry

from api.community.payments.autopay import types
from api.community.payments.autopay.queries import read_autopay, read_plan
from api.context import Info
from api.nodes import fresh, row_id
from domain.community.payments.autopay import planning, service
from domain.community.payments.autopay.errors import AutopayNotOffered
from domain.community.payments.autopay.service import Terms
from domain.community.payments.charges import ChargeKind
from domain.community.payments.ports import Vendor


@strawberry.type
class AutopayMutation:
    """Root mutations of auto-pay."""

    @strawberry.mutation(description="Begin to sign auto-pay for a home. 签约自动缴费。")
    async def sign_autopay(
        self,
        info: Info,
        home: strawberry.ID,
        kinds: list[ChargeKind],
        limit_fen: int,
        monthly_limit_fen: int,
        vendor: Vendor = Vendor.ALIPAY,
    ) -> types.AutopayLaunch:
        home_id, terms = row_id(home, "Home", field="home"), Terms(kinds, limit_fen, monthly_limit_fen)
        port = info.context.services.agreements.get(vendor)
        if port is None:
            raise AutopayNotOffered(field="vendor")
        async with info.context.uow() as uow:
            autopay_id, number = await service.ask_autopay(uow, home_id=home_id, vendor=vendor, terms=terms)
        return types.launch(await fresh(info.context, read_autopay, autopay_id), port.sign(number))

    @strawberry.mutation(description="Change what auto-pay may take. 更改自动缴费类别与限额。")
    async def change_autopay(
        self, info: Info, id: strawberry.ID, kinds: list[ChargeKind], limit_fen: int, monthly_limit_fen: int
    ) -> types.Autopay:
        autopay_id, terms = row_id(id, "Autopay"), Terms(kinds, limit_fen, monthly_limit_fen)
        async with info.context.uow() as uow:
            await service.change_autopay(uow, autopay_id=autopay_id, terms=terms)
        return await fresh(info.context, read_autopay, autopay_id)

    @strawberry.mutation(description="Have nothing taken until it is resumed. 暂停自动缴费。")
    async def pause_autopay(self, info: Info, id: strawberry.ID) -> types.Autopay:
        autopay_id = row_id(id, "Autopay")
        async with info.context.uow() as uow:
            await service.pause_autopay(uow, autopay_id=autopay_id)
        return await fresh(info.context, read_autopay, autopay_id)

    @strawberry.mutation(description="Have auto-pay go on. 恢复自动缴费。")
    async def resume_autopay(self, info: Info, id: strawberry.ID) -> types.Autopay:
        autopay_id = row_id(id, "Autopay")
        async with info.context.uow() as uow:
            await service.resume_autopay(uow, autopay_id=autopay_id)
        return await fresh(info.context, read_autopay, autopay_id)

    @strawberry.mutation(description="End auto-pay, here and at the vendor. 解约自动缴费。")
    async def end_autopay(self, info: Info, id: strawberry.ID) -> types.Autopay:
        autopay_id = row_id(id, "Autopay")
        async with info.context.uow() as uow:
            await service.end_autopay(uow, autopay_id=autopay_id)
        return await fresh(info.context, read_autopay, autopay_id)

    @strawberry.mutation(description="Leave a charge to be paid by hand. 跳过一次自动缴费。")
    async def skip_autopay(self, info: Info, id: strawberry.ID) -> types.AutopayPlan:
        plan_id = row_id(id, "AutopayPlan")
        async with info.context.uow() as uow:
            await planning.skip_plan(uow, plan_id=plan_id)
        return await fresh(info.context, read_plan, plan_id)
