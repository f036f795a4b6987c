"""What every command on a repair does: lock it, take its step, tell the home's application and the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update

from domain.community.applications.service import progress
from domain.community.repairs.errors import InvalidItems, NotSoFar
from domain.community.repairs.models import RepairItem, RepairQuotation, RepairRequest
from domain.community.repairs.policies import visible
from domain.community.repairs.rules import MOST_ITEMS, MOVES, Item, ItemKind, RepairState, Step, may_take, sound
from domain.kernel.errors import NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

MAX_WORDS = 500
AREAS = ("county_id", "town_id", "community_id", "compound_id")


async def locked(uow: UnitOfWork, repair_id: int) -> RepairRequest:
    """The repair, locked, which the actor sees. Raises NotFound."""
    found = await uow.session.execute(
        select(RepairRequest)
        .where(RepairRequest.id == repair_id, visible(uow.actor))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    repair = found.scalar_one_or_none()
    if repair is None:
        raise NotFound(field="request")
    return repair


async def take(uow: UnitOfWork, repair: RepairRequest, step: Step, note: str = "", **values: Any) -> None:
    """Take ``step`` with the locked repair and tell its application, with ``note`` for the home. Raises NotSoFar."""
    warranted = repair.warranty_of_id is not None
    if not may_take(step, RepairState(repair.state), warranted=warranted):
        raise NotSoFar
    move = MOVES[step]
    # The lock holds the state; the condition stands here all the same, as a constraint would.
    changed = await uow.session.execute(
        update(RepairRequest)
        .where(RepairRequest.id == repair.id, RepairRequest.state == repair.state)
        .values(state=str(move.after), overdue_at=None, **values)
        .execution_options(synchronize_session=False)
        .returning(RepairRequest.id)
    )
    if changed.scalar() is None:
        raise NotSoFar
    if repair.application_id is not None:
        await progress(uow, application_id=repair.application_id, state=move.progress, note=note)


async def write(uow: UnitOfWork, repair: RepairRequest, *where: Any, **values: Any) -> bool:
    """Change columns of the locked repair that fulfils ``where``; whether it did."""
    changed = await uow.session.execute(
        update(RepairRequest)
        .where(RepairRequest.id == repair.id, *where)
        .values(**values)
        .execution_options(synchronize_session=False)
        .returning(RepairRequest.id)
    )
    return changed.scalar() is not None


def record(uow: UnitOfWork, action: str, repair: RepairRequest, **details: int | str | bool) -> None:
    """Put an act on the repair into the audit log; no words of people."""
    uow.record(action, "RepairRequest", repair.id, where=repair, homes=(repair.home_id,), details=details)


def place_columns(repair: RepairRequest) -> dict[str, int]:
    """Areas, home and repair, for rows that belong to it."""
    where = {name: getattr(repair, name) for name in AREAS}
    return where | {"home_id": repair.home_id, "repair_id": repair.id}


def checked(items: Sequence[Item]) -> list[Item]:
    """The items with their names tidied. Raises InvalidItems, InvalidText."""
    if not sound(items):
        raise InvalidItems(field="items", most=MOST_ITEMS)
    return [
        Item(item.kind, words(item.name, field="items", least=1, most=80), item.quantity, item.unit_fen)
        for item in items
    ]


async def put_items(uow: UnitOfWork, repair: RepairRequest, items: Sequence[Item], quotation_id: int | None) -> None:
    """Write the items of a quotation, or those that were used."""
    common = place_columns(repair) | {"quotation_id": quotation_id}
    rows = [
        common | {"kind": str(i.kind), "name": i.name, "quantity": i.quantity, "unit_fen": i.unit_fen} for i in items
    ]
    if rows:
        await uow.session.execute(insert(RepairItem), rows)


async def items_of(uow: UnitOfWork, quotation_id: int) -> list[Item]:
    """The items of a quotation."""
    rows = await uow.session.execute(
        select(RepairItem.kind, RepairItem.name, RepairItem.quantity, RepairItem.unit_fen)
        .where(RepairItem.quotation_id == quotation_id)
        .order_by(RepairItem.id)
    )
    return [Item(ItemKind(row.kind), row.name, row.quantity, row.unit_fen) for row in rows]


async def answer(uow: UnitOfWork, repair: RepairRequest, state: str) -> int | None:
    """Close the quotation that is offered, if one is; its id."""
    changed = await uow.session.execute(
        update(RepairQuotation)
        .where(RepairQuotation.repair_id == repair.id, RepairQuotation.state == "offered")
        .values(state=state, answered_at=uow.now)
        .execution_options(synchronize_session=False)
        .returning(RepairQuotation.id)
    )
    found = changed.scalar()
    return None if found is None else int(found)
