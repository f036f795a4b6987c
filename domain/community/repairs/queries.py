"""Reads of repairs: pages newest first, single ones with quotations and items, offers, and who can repair what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, select

from domain.community.payments.models import Charge
from domain.community.repairs.models import RepairItem, RepairQuotation, RepairRequest, RepairWorker
from domain.community.repairs.policies import known, offered, visible
from domain.community.repairs.rules import RepairState, Skill
from domain.estate.focus import look_in
from domain.estate.newest import History, newest_page
from domain.estate.visibility import in_scope, scope_as
from domain.identity.policies import OFFICE
from domain.kernel.actor import Actor, Scope
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader

COLUMNS = tuple(RepairRequest.__table__.columns)
OFFERS = (
    RepairRequest.id,
    RepairRequest.compound_id,
    RepairRequest.building_id,
    RepairRequest.kind,
    RepairRequest.skill,
    RepairRequest.window_from,
    RepairRequest.window_to,
    RepairRequest.submitted_at,
    RepairRequest.accept_by,
    RepairRequest.warranty_of_id,
)
QUOTATIONS = (
    RepairQuotation.id,
    RepairQuotation.repair_id,
    RepairQuotation.total_fen,
    RepairQuotation.note,
    RepairQuotation.state,
    RepairQuotation.offered_at,
    RepairQuotation.answered_at,
)
ITEMS = (
    RepairItem.repair_id,
    RepairItem.quotation_id,
    RepairItem.kind,
    RepairItem.name,
    RepairItem.quantity,
    RepairItem.unit_fen,
)
WORKERS = (RepairWorker.id, RepairWorker.compound_id, RepairWorker.worker_account_id, RepairWorker.skills)
REPAIRS = History(RepairRequest, RepairRequest.submitted_at, COLUMNS)


@dataclass(frozen=True, slots=True)
class RepairFilter:
    """Which repairs; None = all. late: found late by the sweep. unvisited: done, and nobody asked how it was."""

    area_id: int | None = None
    state: RepairState | None = None
    late: bool | None = None
    unvisited: bool | None = None

    def criteria(self) -> list[ColumnElement[bool]]:
        """SQL of everything but the area."""
        tests: list[ColumnElement[bool]] = []
        if self.state is not None:
            tests.append(RepairRequest.state == str(self.state))
        if self.late is not None:
            noticed = RepairRequest.overdue_at.is_not(None)
            tests.append(noticed if self.late else ~noticed)
        if self.unvisited is not None:
            waits = (RepairRequest.state == str(RepairState.DONE)) & RepairRequest.visited_at.is_(None)
            tests.append(waits if self.unvisited else ~waits)
        return tests


async def repair_page(
    reader: Reader, actor: Actor, wanted: RepairFilter, *, first: int, after: str | None
) -> Page[AnyRow]:
    """Repairs the actor sees, newest first. Raises NotFound (area out of sight), BadCursor."""
    scope = await look_in(reader, actor, wanted.area_id)
    works = actor.scope.workplaces if wanted.area_id is None else tuple({wanted.area_id} & {*actor.scope.workplaces})
    around = replace(scope, compounds=tuple(sorted({*scope.compounds, *works})))
    where = (visible(actor), *wanted.criteria())
    return await newest_page(reader, REPAIRS, around, where, first=first, after=after)


async def repairs_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The repairs among ``ids`` that the actor sees."""
    return await reader.rows(select(*COLUMNS).where(RepairRequest.id.in_(ids), visible(actor)))


def _offers(actor: Actor) -> Select[*tuple[object, ...]]:
    return select(*OFFERS).where(offered(actor))


async def offer_page(
    reader: Reader, actor: Actor, *, area_id: int | None, skill: Skill | None, first: int, after: str | None
) -> Page[AnyRow]:
    """Open repairs where the actor works, in order of id. Raises NotFound (area out of sight), BadCursor."""
    works = Scope(compounds=actor.scope.workplaces)
    query = _offers(actor).where(in_scope(await look_in(reader, actor, area_id, works), RepairRequest))
    if skill is not None:
        query = query.where(RepairRequest.skill == str(skill))
    return await keyset_page(reader, query, RepairRequest.id, first=first, after=after)


async def offers_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The open repairs among ``ids`` where the actor works."""
    return await reader.rows(_offers(actor).where(RepairRequest.id.in_(ids)))


async def quotations_by_repair(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """Quotations of the repairs ``ids`` that the actor sees, oldest first."""
    seen = select(RepairRequest.id).where(RepairRequest.id.in_(ids), visible(actor))
    rows = await reader.rows(
        select(*QUOTATIONS).where(RepairQuotation.repair_id.in_(seen)).order_by(RepairQuotation.id)
    )
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(row.repair_id, []).append(row)
    return found


async def items_by_repair(
    reader: Reader, actor: Actor, ids: Sequence[int]
) -> dict[tuple[int, int | None], list[AnyRow]]:
    """Items by repair and quotation (None: what was used), of the repairs ``ids`` that the actor sees."""
    seen = select(RepairRequest.id).where(RepairRequest.id.in_(ids), visible(actor))
    rows = await reader.rows(select(*ITEMS).where(RepairItem.repair_id.in_(seen)).order_by(RepairItem.id))
    found: dict[tuple[int, int | None], list[AnyRow]] = {}
    for row in rows:
        found.setdefault((row.repair_id, row.quotation_id), []).append(row)
    return found


async def charges_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """State of the charges ``ids`` of repairs that the actor sees."""
    seen = select(RepairRequest.charge_id).where(RepairRequest.charge_id.in_(ids), visible(actor))
    return await reader.rows(select(Charge.id, Charge.state, Charge.paid_at).where(Charge.id.in_(seen)))


async def worker_page(
    reader: Reader, actor: Actor, *, area_id: int | None, skill: Skill | None, first: int, after: str | None
) -> Page[AnyRow]:
    """Workers with what they can repair, those the actor knows, in order of id. Raises NotFound, BadCursor."""
    compounds = tuple({*scope_as(actor, OFFICE).compounds, *actor.scope.workplaces})
    scope = await look_in(reader, actor, area_id, Scope(compounds=compounds))
    query = select(*WORKERS).where(known(actor, RepairWorker), in_scope(scope, RepairWorker))
    if skill is not None:
        query = query.where(RepairWorker.skills.contains([str(skill)]))
    return await keyset_page(reader, query, RepairWorker.id, first=first, after=after)


async def workers_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The workers among ``ids`` that the actor knows."""
    return await reader.rows(select(*WORKERS).where(RepairWorker.id.in_(ids), known(actor, RepairWorker)))
