"""What follows by itself: the charge of a repair that is done, and notice of those that are late."""

from __future__ import annotations

from sqlalchemy import or_, select, update

from domain.community.applications.rules import Progress
from domain.community.applications.service import progress
from domain.community.payments.charges import ChargeKind, NewCharge, open_charge
from domain.community.repairs.events import RepairOverdue
from domain.community.repairs.models import RepairRequest
from domain.community.repairs.rules import KINDS, WORKED, Late, RepairKind, RepairState, due_on, late
from domain.estate.models import Area
from domain.kernel.uow import UnitOfWork

STANDS = {
    RepairState.OPEN: Progress.SUBMITTED,
    RepairState.ASSIGNED: Progress.ACCEPTED,
    RepairState.AGREED: Progress.ACCEPTED,
    RepairState.IN_PROGRESS: Progress.IN_PROGRESS,
}
SAYS = {
    Late.ACCEPT: "已超过接单时限，正在催办 / Not taken in time; the office has been told",
    Late.FINISH: "已超过完成时限，正在催办 / Not done in time; the office has been told",
}


async def charge_repair(uow: UnitOfWork, *, repair_id: int) -> int | None:
    """Let the home owe what its repair cost; the charge's id, None where it is free or charged already."""
    found = await uow.session.execute(
        select(RepairRequest, Area.timezone)
        .join(Area, Area.id == RepairRequest.compound_id)
        .where(RepairRequest.id == repair_id, RepairRequest.state == str(RepairState.DONE))
        .where(RepairRequest.price_fen > 0, RepairRequest.charge_id.is_(None))
        .with_for_update(of=RepairRequest)
    )
    row = found.first()
    if row is None:
        return None
    repair, zone = row
    assert repair.price_fen is not None  # noqa: S101 - the query says so
    assert repair.done_at is not None  # noqa: S101 - a constraint says so
    title = f"维修：{KINDS[RepairKind(repair.kind)].name} Repair {repair.id}"
    new = NewCharge(
        home_id=repair.home_id,
        kind=ChargeKind.REPAIR,
        subject_id=repair.id,
        amount_fen=repair.price_fen,
        title=title,
        due_on=due_on(repair.done_at, zone),
    )
    charge_id = await open_charge(uow, new)
    await uow.session.execute(
        update(RepairRequest)
        .where(RepairRequest.id == repair_id)
        .values(charge_id=charge_id)
        .execution_options(synchronize_session=False)
    )
    return charge_id


async def sweep_late(uow: UnitOfWork, *, limit: int) -> int:
    """Notice up to ``limit`` repairs that are late, each once until its next step; how many."""
    worked = [str(state) for state in WORKED]
    due = or_(
        (RepairRequest.state == str(RepairState.OPEN)) & (RepairRequest.accept_by < uow.now),
        RepairRequest.state.in_(worked) & (RepairRequest.finish_by < uow.now),
    )
    found = await uow.session.execute(
        select(RepairRequest)
        .where(RepairRequest.overdue_at.is_(None), due)
        .order_by(RepairRequest.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    repairs = found.scalars().all()
    for repair in repairs:
        state = RepairState(repair.state)
        what = late(state, repair.accept_by, repair.finish_by, uow.now)
        if what is None:
            continue
        uow.emit(RepairOverdue(repair.id, str(what)), compound_id=repair.compound_id)
        if repair.application_id is not None:
            await progress(uow, application_id=repair.application_id, state=STANDS[state], note=SAYS[what])
    if repairs:
        await uow.session.execute(
            update(RepairRequest)
            .where(RepairRequest.id.in_([repair.id for repair in repairs]))
            .values(overdue_at=uow.now)
            .execution_options(synchronize_session=False)
        )
    return len(repairs)
