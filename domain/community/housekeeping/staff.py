"""Commands on workers: who works for a provider, when they work, and when they are not there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.community.housekeeping.calendar import AHEAD, Shift, Span, checked
from domain.community.housekeeping.catalogue import MOST_NAME, areas_of, kept
from domain.community.housekeeping.errors import (
    AbsenceRemoved,
    AlreadyWorker,
    InvalidTime,
    Retired,
    WorkerBooked,
)
from domain.community.housekeeping.models import Absence, Booking, Hold, Provider, ShiftRow, Worker
from domain.community.housekeeping.policies import may_employ, may_excuse
from domain.community.housekeeping.queries import served
from domain.community.housekeeping.rules import State
from domain.identity.accounts.service import ensure_account
from domain.identity.models import RoleGrant
from domain.identity.ports import Vault
from domain.identity.roles.service import grant_role
from domain.identity.rules import normalise_phone
from domain.kernel.actor import Role
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

LIVE = (str(State.BOOKED), str(State.UNDER_WAY))


async def add_worker(uow: UnitOfWork, *, vault: Vault, provider_id: int, phone: str, name: str) -> int:
    """The phone's holder works for the provider, and is given the role over its compound; the worker's id.

    Raises NotFound, Forbidden, Retired, InvalidPhone, InvalidText, AlreadyWorker, OwnRole.
    """
    number, called = normalise_phone(phone), words(name, field="name", least=1, most=MOST_NAME)
    provider = await kept(uow, Provider, provider_id, field="provider", may=may_employ)
    account = await ensure_account(uow, vault=vault, phone=number, name=called)
    held = select(RoleGrant.id).where(
        RoleGrant.account_id == account.id,
        RoleGrant.area_id == provider.compound_id,
        RoleGrant.role == str(Role.SERVICE_WORKER),
        RoleGrant.revoked_at.is_(None),
    )
    if await uow.session.scalar(held) is None:
        given = {"phone": number, "name": called, "role": Role.SERVICE_WORKER, "area_id": provider.compound_id}
        await grant_role(uow, vault=vault, **given)  # type: ignore[arg-type]  # as written one line above
    row = areas_of(provider) | {
        "provider_id": provider.id,
        "worker_account_id": account.id,
        "name": called,
        "created_at": uow.now,
    }
    added = await uow.session.execute(
        insert(Worker)
        .values(row)
        .on_conflict_do_nothing(
            index_elements=["compound_id", "worker_account_id"], index_where=text("retired_at is null")
        )
        .returning(Worker)
    )
    worker = added.scalar_one_or_none()
    if worker is None:
        raise AlreadyWorker(field="phone")
    _record(uow, "housekeeping.worker_added", worker)
    return worker.id


def _record(uow: UnitOfWork, action: str, worker: Any, **details: int | str) -> None:
    said = {"account": worker.worker_account_id, **details}
    uow.record(action, "HousekeepingWorker", worker.id, where=worker, details=said)


async def retire_worker(uow: UnitOfWork, *, worker_id: int) -> None:
    """The worker does not work here any more. The role stays until it is revoked.

    Raises NotFound, Forbidden, Retired, WorkerBooked (what is booked is to be reassigned or cancelled before).
    """
    # Locked: a booking under way has read the worker's row, and who books later finds it retired.
    worker = await kept(uow, Worker, worker_id, field="id")
    live = select(Booking.id).where(Booking.worker_id == worker.id, Booking.state.in_(LIVE)).limit(1)
    if await uow.session.scalar(live) is not None:
        raise WorkerBooked(field="id")
    retired = update(Worker).where(Worker.id == worker.id).values(retired_at=uow.now)
    await uow.session.execute(retired.execution_options(synchronize_session=False))
    _record(uow, "housekeeping.worker_retired", worker)


async def at_work(uow: UnitOfWork, worker_id: int, *, field: str) -> Worker:
    """Somebody who works in a compound that the actor sees. Raises NotFound, Retired."""
    current = select(Worker).where(Worker.id == worker_id).execution_options(populate_existing=True)
    found = await uow.session.execute(current)
    worker = found.scalar_one_or_none()
    if worker is None:
        raise NotFound(field=field)
    if worker.retired_at is not None:
        raise Retired(field=field)
    return worker


async def set_hours(uow: UnitOfWork, *, worker_id: int, shifts: Sequence[Shift]) -> None:
    """A worker's hours of the week from now on; what is booked outside them stays.

    Raises NotFound, Forbidden, Retired, InvalidHours.
    """
    ordered = checked(shifts)
    worker = await kept(uow, Worker, worker_id, field="worker")
    await uow.session.execute(delete(ShiftRow).where(ShiftRow.worker_id == worker.id))
    rows = [
        areas_of(worker) | {"worker_id": worker.id, "weekday": each.weekday, "opens": each.opens, "closes": each.closes}
        for each in ordered
    ]
    if rows:
        await uow.session.execute(insert(ShiftRow), rows)
    _record(uow, "housekeeping.hours_set", worker, minutes=sum(each.closes - each.opens for each in ordered))


async def hold(uow: UnitOfWork, where: Any, account_id: int, span: Span, *, home_id: int | None = None) -> int | None:
    """Make the time the worker's own; the hold's id, or None where it is somebody else's. Waits for whoever is just
    taking it. ``where``: anything with the compound's area columns."""
    row = areas_of(where) | {
        "worker_account_id": account_id,
        "home_id": home_id,
        "starts_at": span.starts_at,
        "ends_at": span.ends_at,
    }
    held = insert(Hold).values(row).on_conflict_do_nothing().returning(Hold.id)
    found: int | None = (await uow.session.execute(held)).scalar()
    return found


async def release(uow: UnitOfWork, hold_id: int) -> None:
    """The time is free again."""
    freed = update(Hold).where(Hold.id == hold_id).values(removed_at=uow.now)
    await uow.session.execute(freed.execution_options(synchronize_session=False))


async def add_absence(uow: UnitOfWork, *, worker_id: int, starts_at: datetime, ends_at: datetime) -> int:
    """A worker is not there; the absence's id. Entered by the office or by the worker.

    Raises NotFound, Forbidden, Retired, InvalidTime, WorkerBooked.
    """
    worker = await at_work(uow, worker_id, field="worker")
    if not may_excuse(uow.actor, worker):
        raise Forbidden
    if not (uow.now < ends_at <= uow.now + 2 * AHEAD and starts_at < ends_at):
        raise InvalidTime(field="endsAt")
    hold_id = await hold(uow, worker, worker.worker_account_id, Span(starts_at, ends_at))
    if hold_id is None:
        raise WorkerBooked(field="startsAt")
    row = areas_of(worker) | {
        "worker_id": worker.id,
        "worker_account_id": worker.worker_account_id,
        "hold_id": hold_id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "created_at": uow.now,
    }
    absence_id = (await uow.session.execute(insert(Absence).values(row).returning(Absence.id))).scalar_one()
    _record(uow, "housekeeping.absence_added", worker, absence=absence_id)
    return absence_id


async def remove_absence(uow: UnitOfWork, *, absence_id: int) -> None:
    """The worker is there after all. Raises NotFound, Forbidden, AbsenceRemoved."""
    found = await uow.session.execute(select(Absence).where(Absence.id == absence_id, served(uow.actor, Absence)))
    absence = found.scalar_one_or_none()
    if absence is None:
        raise NotFound(field="id")
    if not may_excuse(uow.actor, absence):
        raise Forbidden
    removed = await uow.session.execute(
        update(Absence)
        .where(Absence.id == absence_id, Absence.removed_at.is_(None))
        .values(removed_at=uow.now)
        .returning(Absence.hold_id)
        .execution_options(synchronize_session=False)
    )
    hold_id = removed.scalar()
    if hold_id is None:
        raise AbsenceRemoved
    await release(uow, hold_id)
    uow.record("housekeeping.absence_removed", "HousekeepingAbsence", absence_id, where=absence)
