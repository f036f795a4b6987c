"""What managers do about refunds that failed: the vendor is asked first, with no transaction open.

What it said last may be stale: a word that was late, or a payer's bank that took the money after all.
"""

from __future__ import annotations

from api.context import Context
from domain.community.payments import refunds
from domain.community.payments.polling import notice_of_refund
from domain.community.payments.ports import RefundState
from domain.community.payments.settling import scope_for, take_notice
from domain.kernel.actor import system_actor


async def retry(context: Context, refund_id: int) -> int:
    """Have it asked for again; the refund that is now under way. Raises as ``refunds.retry_refund``, GatewayUnknown."""
    await _hear(context, refund_id)
    async with context.uow() as uow:
        return await refunds.retry_refund(uow, refund_id=refund_id)


async def settle_by_hand(context: Context, refund_id: int, note: str) -> None:
    """The office paid it back itself. Raises as ``refunds.settle_by_hand``, GatewayUnknown."""
    await _hear(context, refund_id)
    async with context.uow() as uow:
        await refunds.settle_by_hand(uow, refund_id=refund_id, note=note)


async def _hear(context: Context, refund_id: int) -> None:
    """Take what the vendor says of it now, as the system; a vendor that is no longer set makes no refunds."""
    async with context.uow() as uow:
        due = await refunds.failed_refund(uow, refund_id=refund_id)
    port = context.services.payments.get(due.vendor)
    if port is None:
        return
    told = await port.query_refund(due.refund.out_trade_no, due.refund.out_refund_no)
    if told.state not in (RefundState.DONE, RefundState.WAITING):
        return  # as it stands here; somebody may have asked for it again since
    notice = notice_of_refund(due, told, now=context.now())
    database, actor = context.services.database, system_actor(scope_for([notice]))
    async with database.unit_of_work(actor, request_id=context.request_id) as uow:
        await take_notice(uow, notice)
