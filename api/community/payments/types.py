"""GraphQL types of payments. Amounts are fen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from api.community.payments import loaders
from api.context import Info
from api.estate.types import Home, home_of
from api.nodes import Node, global_id
from domain.community.payments.charges import ChargeKind, Subject
from domain.community.payments.ports import Channel, Prepay
from domain.community.payments.rules import AskedState, AttemptState, ChargeState, ClosedBecause, OrderState
from domain.kernel.uow import AnyRow

strawberry.enum(Subject, name="ChargeSubject", description="What a charge is for. 应收款类别。")
strawberry.enum(ChargeKind, name="ChargeKind", description="What a resident knows it as. 费用种类。")
strawberry.enum(ChargeState, name="ChargeState", description="HELD: an order pays it now. 应收款状态。")
strawberry.enum(OrderState, name="PaymentOrderState", description="What has become of an order. 订单状态。")
strawberry.enum(ClosedBecause, name="OrderClosedBecause", description="Why an order was closed. 订单关闭原因。")
strawberry.enum(AttemptState, name="PaymentAttemptState", description="What has become of an attempt. 支付状态。")
strawberry.enum(AskedState, name="RefundState", description="What has become of a refund. 退款状态。")
strawberry.enum(Channel, name="PaymentChannel", description="How somebody pays. 支付方式。")


@strawberry.type(description="Money that goes back. 退款。")
class Refund(Node):
    """``number``: ours, as the vendor knows it. FAILED: the office asks for it again or pays it back by hand.

    ``failed_because``: the vendor's own word. ``note``: how the office paid it back.
    """

    number: str
    amount_fen: int
    reason: str
    state: AskedState
    asked_at: datetime
    done_at: datetime | None
    failed_because: str | None
    note: str | None
    row: strawberry.Private[Any]

    @strawberry.field(description="What was paid for; null: nothing was owed when the money came. 对应应收款。")
    async def charge(self, info: Info) -> Charge | None:
        if self.row.charge_id is None:
            return None
        row = await info.context.loaders.one(loaders.charges, self.row.charge_id)
        return charge(row) if row is not None else None

    @strawberry.field(description="The one that failed and in whose place this went. 所替代的失败退款。")
    async def replaces(self, info: Info) -> Refund | None:
        if self.row.replaces_id is None:
            return None
        row = await info.context.loaders.one(loaders.refunds, self.row.replaces_id)
        return refund(row) if row is not None else None

    @strawberry.field(description="The home it goes to. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.type(description="One amount that a home owes. 应收款。")
class Charge(Node):
    """``kind``: of a bill its own. ``refunded_fen``: of it came back; ``refunding_fen``: is on its way."""

    kind: ChargeKind
    subject: Subject
    amount_fen: int
    refunding_fen: int
    refunded_fen: int
    title: str
    due_on: date | None
    state: ChargeState
    opened_at: datetime
    paid_at: datetime | None
    row: strawberry.Private[Any]

    @strawberry.field(description="The home that owes it. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)

    @strawberry.field(description="What was asked back of it, oldest first. 退款记录。")
    async def refunds(self, info: Info) -> list[Refund]:
        rows = await info.context.loaders.one(loaders.refunds_of, self.row.id)
        return [refund(row) for row in rows or ()]


@strawberry.type(description="One try to pay an order. 一次支付尝试。")
class PaymentAttempt:
    """``number``: ours, as the vendor knows it; ``transaction``: the vendor's.

    ``credited``: false when the money goes back.
    """

    channel: Channel
    number: str
    transaction: str | None
    state: AttemptState
    credited: bool | None
    created_at: datetime
    paid_at: datetime | None


@strawberry.type(description="That an order was paid. 收据。")
class Receipt(Node):
    """``number``: in its compound, without gaps."""

    number: int
    amount_fen: int
    issued_at: datetime
    row: strawberry.Private[Any]

    @strawberry.field(description="The order that was paid. 对应订单。")
    async def order(self, info: Info) -> PaymentOrder | None:
        return await order_of(info, self.row.order_id)

    @strawberry.field(description="The home it is of. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.type(description="Charges of a home that are paid at once. 支付订单。")
class PaymentOrder(Node):
    """Open until ``expires_at``, then its charges are free again."""

    amount_fen: int
    title: str
    state: OrderState
    opened_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    closed_because: ClosedBecause | None
    row: strawberry.Private[Any]

    @strawberry.field(description="What it pays. 包含的应收款。")
    async def charges(self, info: Info) -> list[Charge]:
        rows = await info.context.loaders.one(loaders.charges_of, self.row.id)
        return [charge(row) for row in rows or ()]

    @strawberry.field(description="The tries to pay it, oldest first. 支付尝试。")
    async def attempts(self, info: Info) -> list[PaymentAttempt]:
        rows = await info.context.loaders.one(loaders.attempts_of, self.row.id)
        return [attempt(row) for row in rows or ()]

    @strawberry.field(description="Its receipt, once it is paid. 收据。")
    async def receipt(self, info: Info) -> Receipt | None:
        row = await info.context.loaders.one(loaders.receipt_of, self.row.id)
        return receipt(row) if row is not None else None

    @strawberry.field(description="The home it is of. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.type(description="What the client opens to pay. 调起支付所需的参数。")
class PaymentLaunch:
    """``url``: a code to show or a page to open, "" when there is none; ``parameters``: for the vendor's SDK.

    Both null when the order turned out to be paid already.
    """

    order: PaymentOrder
    url: str | None
    parameters: JSON | None


async def receipt_at(info: Info, receipt_id: int) -> Receipt | None:
    """The receipt, read together with its siblings; None when the caller may not see it."""
    row = await info.context.loaders.one(loaders.receipts, receipt_id)
    return receipt(row) if row is not None else None


def charge(row: AnyRow) -> Charge:
    """The GraphQL object of a charge row."""
    return Charge(
        id=global_id("Charge", row.id),
        kind=ChargeKind(row.kind),
        subject=Subject(row.subject),
        amount_fen=row.amount_fen,
        refunding_fen=row.refunding_fen,
        refunded_fen=row.refunded_fen,
        title=row.title,
        due_on=row.due_on,
        state=ChargeState(row.state),
        opened_at=row.opened_at,
        paid_at=row.paid_at,
        row=row,
    )


def refund(row: AnyRow) -> Refund:
    """The GraphQL object of a refund row."""
    return Refund(
        id=global_id("Refund", row.id),
        number=row.out_refund_no,
        amount_fen=row.amount_fen,
        reason=row.reason,
        state=AskedState(row.state),
        asked_at=row.asked_at,
        done_at=row.done_at,
        failed_because=row.failed_because,
        note=row.note,
        row=row,
    )


def attempt(row: AnyRow) -> PaymentAttempt:
    """The GraphQL object of an attempt row."""
    return PaymentAttempt(
        channel=Channel(row.channel),
        number=row.out_trade_no,
        transaction=row.transaction_id,
        state=AttemptState(row.state),
        credited=row.credited,
        created_at=row.created_at,
        paid_at=row.paid_at,
    )


def receipt(row: AnyRow) -> Receipt:
    """The GraphQL object of a receipt row."""
    return Receipt(
        id=global_id("Receipt", row.id), number=row.number, amount_fen=row.amount_fen, issued_at=row.issued_at, row=row
    )


def order(row: AnyRow) -> PaymentOrder:
    """The GraphQL object of an order row."""
    return PaymentOrder(
        id=global_id("PaymentOrder", row.id),
        amount_fen=row.amount_fen,
        title=row.title,
        state=OrderState(row.state),
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        closed_because=ClosedBecause(row.closed_because) if row.closed_because is not None else None,
        row=row,
    )


def launch(paid: PaymentOrder, prepay: Prepay | None) -> PaymentLaunch:
    """The GraphQL object of what is opened to pay; None = it is paid."""
    if prepay is None:
        return PaymentLaunch(order=paid, url=None, parameters=None)
    return PaymentLaunch(order=paid, url=prepay.url, parameters=JSON(dict(prepay.launch)))


async def order_of(info: Info, order_id: int) -> PaymentOrder | None:
    """The order, read together with its siblings; None when the caller may not see it."""
    row = await info.context.loaders.one(loaders.orders, order_id)
    return order(row) if row is not None else None
