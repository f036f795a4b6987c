"""GraphQL types of auto-pay. Amounts are fen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry.scalars import JSON

from api.community.payments import loaders
from api.community.payments.types import Charge, charge
from api.context import Info
from api.estate.types import Home, home_of
from api.nodes import Node, global_id
from domain.community.payments.autopay.rules import AutopayState, EndedBecause
from domain.community.payments.autopay.schedule import PlanState, Why
from domain.community.payments.charges import ChargeKind
from domain.community.payments.ports import Prepay, Vendor
from domain.kernel.uow import AnyRow

strawberry.enum(AutopayState, name="AutopayState", description="What has become of auto-pay. 自动缴费状态。")
strawberry.enum(PlanState, name="AutopayPlanState", description="What becomes of a charge. 自动缴费计划状态。")
strawberry.enum(Why, name="AutopayPlanWhy", description="Why it was not taken, or not yet. 未扣款原因。")
strawberry.enum(EndedBecause, name="AutopayEndedBecause", description="Why auto-pay ended. 自动缴费结束原因。")


@strawberry.type(description="What a home owes is paid by itself, within limits. 自动缴费。")
class Autopay(Node):
    """``limit_fen``: of one payment; ``monthly_limit_fen``: of a calendar month. ``mine``: the caller signed it."""

    vendor: Vendor
    kinds: list[ChargeKind]
    limit_fen: int
    monthly_limit_fen: int
    state: AutopayState
    asked_at: datetime
    signed_at: datetime | None
    ended_at: datetime | None
    ended_because: EndedBecause | None
    row: strawberry.Private[Any]

    @strawberry.field(description="Whether the caller signed it. 是否由本人签约。")
    def mine(self, info: Info) -> bool:
        return bool(self.row.account_id == info.context.actor.account_id)

    @strawberry.field(description="The home it pays for. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.type(description="A charge that auto-pay takes. 自动缴费计划。")
class AutopayPlan(Node):
    """``amount_fen``: what the home was told, the most that is taken. ``take_at``: when, until then it may be skipped.

    ``why``: it was not taken, or not yet. ``tries``: payments begun, and amounts told anew.
    """

    amount_fen: int
    take_at: datetime
    told_at: datetime
    state: PlanState
    why: Why | None
    tries: int
    row: strawberry.Private[Any]

    @strawberry.field(description="What is taken. 应收款。")
    async def charge(self, info: Info) -> Charge | None:
        row = await info.context.loaders.one(loaders.charges, self.row.charge_id)
        return charge(row) if row is not None else None

    @strawberry.field(description="The home it is of. 住户。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)


@strawberry.type(description="What the client opens to sign auto-pay. 签约自动缴费所需的参数。")
class AutopayLaunch:
    """``url``: a page with a code to scan; ``parameters.app``: the address that opens the vendor's app."""

    autopay: Autopay
    url: str
    parameters: JSON


def autopay(row: AnyRow) -> Autopay:
    """The GraphQL object of an auto-pay row."""
    return Autopay(
        id=global_id("Autopay", row.id),
        vendor=Vendor(row.vendor),
        kinds=[ChargeKind(kind) for kind in row.kinds],
        limit_fen=row.limit_fen,
        monthly_limit_fen=row.monthly_limit_fen,
        state=AutopayState(row.state),
        asked_at=row.asked_at,
        signed_at=row.signed_at,
        ended_at=row.closed_at,
        ended_because=EndedBecause(row.closed_because) if row.closed_because is not None else None,
        row=row,
    )


def plan(row: AnyRow) -> AutopayPlan:
    """The GraphQL object of a plan's row."""
    return AutopayPlan(
        id=global_id("AutopayPlan", row.id),
        amount_fen=row.amount_fen,
        take_at=row.take_at,
        told_at=row.told_at,
        state=PlanState(row.state),
        why=Why(row.why) if row.why is not None else None,
        tries=row.tries,
        row=row,
    )


def launch(asked: Autopay, opened: Prepay) -> AutopayLaunch:
    """The GraphQL object of what is opened to sign."""
    return AutopayLaunch(autopay=asked, url=opened.url, parameters=JSON(dict(opened.launch)))
