"""GraphQL types of repairs: the request, its quotations and items, offers, and workers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import strawberry

from api.community.repairs import loaders
from api.community.uploads.types import Attachment, attachments_of
from api.context import Info
from api.estate import loaders as estate
from api.estate.types import Area, Building, Home, area_of, building, home_of
from api.identity.types import Account, account_of
from api.nodes import Node, global_id
from domain.community.repairs.rules import ItemKind, Late, RepairKind, RepairState, Skill, late
from domain.community.uploads.rules import Subject
from domain.kernel.uow import AnyRow

strawberry.enum(RepairKind, description="What is to be repaired. 报修项目。")
strawberry.enum(RepairState, description="How far a repair is. 报修单状态。")
strawberry.enum(Skill, name="RepairSkill", description="What a worker can do. 维修技能。")
strawberry.enum(Late, name="RepairLate", description="What is overdue: taking it, or finishing it. 超时环节。")
strawberry.enum(ItemKind, name="RepairItemKind", description="Part or labour. 配件或人工。")


@strawberry.type(description="So many of a part or work, at so much each. 报价明细。")
class RepairItem:
    """One line; amounts in fen."""

    kind: ItemKind
    name: str
    quantity: int
    unit_fen: int


@strawberry.type(description="What a worker asks for a repair. 维修报价。")
class RepairQuotation:
    """``state``: "offered", "accepted", "refused" or "withdrawn"."""

    total_fen: int
    note: str
    state: str
    offered_at: datetime
    answered_at: datetime | None
    row: strawberry.Private[Any]

    @strawberry.field(description="Parts and labour. 配件与人工。")
    async def items(self, info: Info) -> list[RepairItem]:
        return await items_of(info, self.row.repair_id, self.row.id)


@strawberry.type(description="A repair of one home. 报修单。")
class RepairRequest(Node):
    """``price_fen``: null until it is done, 0 when free. ``worker``: who comes, by name."""

    kind: RepairKind
    skill: Skill
    state: RepairState
    title: str
    description: str
    address: str
    worker: str
    window_from: datetime | None
    window_to: datetime | None
    submitted_at: datetime
    accept_by: datetime
    finish_by: datetime | None
    taken_at: datetime | None
    started_at: datetime | None
    done_at: datetime | None
    price_fen: int | None
    warranty_until: date | None
    result: str
    stars: int | None
    rating: str
    visit_by: datetime | None
    visited_at: datetime | None
    satisfied: bool | None
    visit_note: str
    row: strawberry.Private[Any]

    @strawberry.field(description="What is overdue now, if anything. 当前超时环节。")
    def late(self, info: Info) -> Late | None:
        return late(self.state, self.accept_by, self.finish_by, info.context.now())

    @strawberry.field(description="Quotations, oldest first. 报价记录。")
    async def quotations(self, info: Info) -> list[RepairQuotation]:
        rows = await info.context.loaders.one(loaders.quotations, self.row.id)
        return [quotation(row) for row in rows or ()]

    @strawberry.field(description="Parts and labour that were used. 实际使用的配件与人工。")
    async def used(self, info: Info) -> list[RepairItem]:
        return await items_of(info, self.row.id, None)

    @strawberry.field(description="Pictures, labelled problem, before or after. 图片（故障、维修前、维修后）。")
    async def pictures(self, info: Info) -> list[Attachment]:
        return await attachments_of(info, Subject.REPAIR, self.row.id)

    @strawberry.field(description="The charge to pay; null while there is none. 应收款。")
    def charge(self) -> strawberry.ID | None:
        return None if self.row.charge_id is None else global_id("Charge", self.row.charge_id)

    @strawberry.field(description="When it was paid. 支付时间。")
    async def paid_at(self, info: Info) -> datetime | None:
        if self.row.charge_id is None:
            return None
        charge = await info.context.loaders.one(loaders.charges, self.row.charge_id)
        return None if charge is None else charge.paid_at

    @strawberry.field(description="The repair under whose warranty this one is free. 保修所属的原报修单。")
    async def warranty_of(self, info: Info) -> RepairRequest | None:
        if self.row.warranty_of_id is None:
            return None
        row = await info.context.loaders.one(loaders.repairs, self.row.warranty_of_id)
        return None if row is None else repair(row)

    @strawberry.field(description="The home, if visible. 报修住户（如可见）。")
    async def home(self, info: Info) -> Home | None:
        return await home_of(info, self.row.home_id)

    @strawberry.field(description="The compound it is in. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


@strawberry.type(description="A repair that is open, without whose it is: for workers. 待接报修单。")
class RepairOffer(Node):
    """``warranted``: free for the home. The words and the door are told to whoever takes it."""

    kind: RepairKind
    skill: Skill
    warranted: bool
    window_from: datetime | None
    window_to: datetime | None
    submitted_at: datetime
    accept_by: datetime
    row: strawberry.Private[Any]

    @strawberry.field(description="The building it is in. 所在楼栋。")
    async def building(self, info: Info) -> Building | None:
        row = await info.context.loaders.one(estate.buildings, self.row.building_id)
        return None if row is None else building(row)

    @strawberry.field(description="The compound it is in. 所属小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


@strawberry.type(description="A service worker who repairs. 维修师傅。")
class RepairWorker(Node):
    """What they can do in one compound."""

    skills: list[Skill]
    row: strawberry.Private[Any]

    @strawberry.field(description="The worker, if visible. 师傅账号（如可见）。")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.row.worker_account_id)

    @strawberry.field(description="Where they work. 所在小区。")
    async def compound(self, info: Info) -> Area | None:
        return await area_of(info, self.row.compound_id)


SAME = (
    "title", "description", "address", "window_from", "window_to", "submitted_at", "accept_by", "finish_by", "taken_at",
    "started_at", "done_at", "price_fen", "warranty_until", "result", "stars", "rating", "visit_by", "visited_at",
    "satisfied", "visit_note",
)  # fmt: skip
"""Fields that are called as their columns."""


def repair(row: AnyRow) -> RepairRequest:
    """The GraphQL object of a repair's row."""
    return RepairRequest(
        id=global_id("RepairRequest", row.id),
        kind=RepairKind(row.kind),
        skill=Skill(row.skill),
        state=RepairState(row.state),
        worker=row.worker_name,
        row=row,
        **{name: getattr(row, name) for name in SAME},
    )


def offer(row: AnyRow) -> RepairOffer:
    """The GraphQL object of an open repair, as it is offered."""
    return RepairOffer(
        id=global_id("RepairOffer", row.id),
        kind=RepairKind(row.kind),
        skill=Skill(row.skill),
        warranted=row.warranty_of_id is not None,
        window_from=row.window_from,
        window_to=row.window_to,
        submitted_at=row.submitted_at,
        accept_by=row.accept_by,
        row=row,
    )


def worker(row: AnyRow) -> RepairWorker:
    """The GraphQL object of a worker's row."""
    return RepairWorker(id=global_id("RepairWorker", row.id), skills=[Skill(name) for name in row.skills], row=row)


def quotation(row: AnyRow) -> RepairQuotation:
    """The GraphQL object of a quotation's row."""
    return RepairQuotation(
        total_fen=row.total_fen,
        note=row.note,
        state=row.state,
        offered_at=row.offered_at,
        answered_at=row.answered_at,
        row=row,
    )


async def items_of(info: Info, repair_id: int, quotation_id: int | None) -> list[RepairItem]:
    """The items of a quotation, or those that were used."""
    rows = await info.context.loaders.one(loaders.items, (repair_id, quotation_id))
    return [
        RepairItem(kind=ItemKind(row.kind), name=row.name, quantity=row.quantity, unit_fen=row.unit_fen)
        for row in rows or ()
    ]
