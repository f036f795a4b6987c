"""Root mutations of payments."""

from __future__ import annotations

import strawberry

from api.community.payments import papers, refunding, types
from api.community.payments.paying import pay
from api.community.payments.queries import read_charge, read_invoice, read_item, read_order, read_refund
from api.context import Info
from api.nodes import fresh, row_id
from domain.community.payments import invoices, reconciling, refunds, service
from domain.community.payments.ports import Channel


@strawberry.type
class PaymentMutation:
    """Root mutations of payments."""

    @strawberry.mutation(description="Hold charges of one home to pay them at once. 创建支付订单。")
    async def create_order(self, info: Info, charges: list[strawberry.ID]) -> types.PaymentOrder:
        ids = [row_id(each, "Charge", field="charges") for each in charges]
        async with info.context.uow() as uow:
            order_id = await service.create_order(uow, charge_ids=ids)
        return await fresh(info.context, read_order, order_id)

    @strawberry.mutation(description="Begin to pay an order, or go on with it. 发起支付。")
    async def pay_order(
        self, info: Info, order: strawberry.ID, channel: Channel, payer: str = ""
    ) -> types.PaymentLaunch:
        order_id = row_id(order, "PaymentOrder", field="order")
        prepay = await pay(info.context, order_id, channel, payer)
        return types.launch(await fresh(info.context, read_order, order_id), prepay)

    @strawberry.mutation(description="Give an order up; its charges are free again. 取消支付订单。")
    async def cancel_order(self, info: Info, id: strawberry.ID) -> types.PaymentOrder:
        order_id = row_id(id, "PaymentOrder")
        async with info.context.uow() as uow:
            await service.cancel_order(uow, order_id=order_id)
        return await fresh(info.context, read_order, order_id)

    @strawberry.mutation(description="Have some or all of a paid charge sent back. 退款。")
    async def refund_charge(self, info: Info, id: strawberry.ID, amount_fen: int, reason: str) -> types.Charge:
        charge_id = row_id(id, "Charge")
        async with info.context.uow() as uow:
            await refunds.refund(uow, charge_id=charge_id, amount_fen=amount_fen, reason=reason)
        return await fresh(info.context, read_charge, charge_id)

    @strawberry.mutation(
        description="Ask the vendor once more for a refund that failed; the one now under way. 重新发起失败的退款。"
    )
    async def retry_refund(self, info: Info, refund: strawberry.ID) -> types.Refund:
        refund_id = row_id(refund, "Refund", field="refund")
        again = await refunding.retry(info.context, refund_id)
        return await fresh(info.context, read_refund, again)

    @strawberry.mutation(description="Say how the office itself paid a failed refund back. 登记物业自行退还的款项。")
    async def settle_refund_by_hand(self, info: Info, refund: strawberry.ID, note: str) -> types.Refund:
        refund_id = row_id(refund, "Refund", field="refund")
        await refunding.settle_by_hand(info.context, refund_id, note)
        return await fresh(info.context, read_refund, refund_id)

    @strawberry.mutation(description="Ask for the tax invoice of a receipt. 申请发票。")
    async def request_invoice(self, info: Info, input: papers.RequestInvoiceInput) -> papers.InvoiceRequest:
        async with info.context.uow() as uow:
            request_id = await invoices.request_invoice(uow, vault=info.context.services.vault, new=input.command())
        return await fresh(info.context, read_invoice, request_id)

    @strawberry.mutation(description="Say that it was issued, or without a number rejected. 处理发票申请。")
    async def settle_invoice(
        self, info: Info, id: strawberry.ID, note: str, number: str | None = None
    ) -> papers.InvoiceRequest:
        request_id = row_id(id, "InvoiceRequest")
        async with info.context.uow() as uow:
            await invoices.settle_invoice(uow, request_id=request_id, number=number, note=note)
        return await fresh(info.context, read_invoice, request_id)

    @strawberry.mutation(description="Say what was done about a difference. 处理对账差异。")
    async def settle_reconciliation_item(self, info: Info, id: strawberry.ID, note: str) -> papers.ReconciliationItem:
        item_id = row_id(id, "ReconciliationItem")
        async with info.context.uow() as uow:
            await reconciling.settle_item(uow, item_id=item_id, note=note)
        return await fresh(info.context, read_item, item_id)
