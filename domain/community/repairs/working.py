"""Commands of those who work: take a repair, give it back, quote, start, finish; and who can do what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import aliased

from domain.community.applications.rules import Progress
from domain.community.applications.service import progress
from domain.community.repairs.errors import AboveQuotation, AlreadyTaken, NobodyThere, NotSoFar, SkillMissing
from domain.community.repairs.events import RepairDone
from domain.community.repairs.models import RepairQuotation, RepairRequest, RepairWorker
from domain.community.repairs.policies import does, may_manage, offered
from domain.community.repairs.rules import (
    RETURN_VISIT_WITHIN,
    UNDER_WAY,
    Item,
    RepairKind,
    RepairState,
    Skill,
    Step,
    Turn,
    finish_by,
    next_in_turn,
    total_fen,
    warranty_until,
)
from domain.community.repairs.telling import News, tell_worker
from domain.community.repairs.writing import (
    AREAS,
    MAX_WORDS,
    checked,
    items_of,
    locked,
    place_columns,
    put_items,
    record,
    take,
    write,
)
from domain.community.uploads.rules import Subject
from domain.community.uploads.service import attach
from domain.estate.models import Area
from domain.identity.models import Account, RoleGrant
from domain.identity.policies import place_of
from domain.kernel.actor import Role
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork

HANDED_OVER = "已改派其他师傅 / Somebody else comes"
NOBODY: dict[str, Any] = {"worker_account_id": None, "worker_name": "", "taken_at": None, "finish_by": None}


async def set_skills(uow: UnitOfWork, *, grant_id: int, skills: Sequence[Skill]) -> int:
    """What the holder of a service worker's grant can repair from now on; the id of the worker among repairers.

    Raises NotFound (no such open grant in sight), Forbidden.
    """
    found = await uow.session.execute(select(RoleGrant).where(RoleGrant.id == grant_id))
    grant = found.scalar_one_or_none()
    if grant is None or grant.revoked_at is not None:
        raise NotFound(field="grant")
    if grant.role != Role.SERVICE_WORKER or not may_manage(uow.actor, place_of(grant)):
        raise Forbidden
    able = sorted({str(skill) for skill in skills})
    where = {name: getattr(grant, name) for name in AREAS}
    row = where | {"worker_account_id": grant.account_id, "skills": able}
    known = upsert(RepairWorker).values(row)
    kept = known.on_conflict_do_update(index_elements=["compound_id", "worker_account_id"], set_={"skills": able})
    worker_id = (await uow.session.execute(kept.returning(RepairWorker.id))).scalar_one()
    uow.record("repair.skills_set", "RepairWorker", worker_id, where=grant, details={"skills": able})
    return int(worker_id)


def _employed() -> ColumnElement[bool]:
    """SQL: the worker still holds the role in the compound, as far as the transaction sees grants."""
    return (
        select(RoleGrant.id)
        .where(
            RoleGrant.account_id == RepairWorker.worker_account_id,
            RoleGrant.compound_id == RepairWorker.compound_id,
            RoleGrant.role == str(Role.SERVICE_WORKER),
            RoleGrant.revoked_at.is_(None),
        )
        .exists()
    )


async def grab_repair(uow: UnitOfWork, *, repair_id: int) -> None:
    """Take an open repair for oneself; of several at once one gets it.

    Raises NotFound (not offered where one works), SkillMissing, AlreadyTaken.
    """
    found = await uow.session.execute(select(RepairRequest).where(RepairRequest.id == repair_id, offered(uow.actor)))
    repair = found.scalar_one_or_none()
    if repair is None:
        raise NotFound(field="offer")
    able = await uow.session.scalar(
        select(RepairWorker.id).where(
            RepairWorker.worker_account_id == uow.actor.account_id,
            RepairWorker.compound_id == repair.compound_id,
            RepairWorker.skills.contains([repair.skill]),
        )
    )
    if able is None:
        raise SkillMissing
    assert uow.actor.account_id is not None  # noqa: S101 - who works somewhere has an account
    try:
        await _give(uow, repair, uow.actor.account_id)
    except NotSoFar:
        raise AlreadyTaken from None
    record(uow, "repair.grabbed", repair)


async def _give(uow: UnitOfWork, repair: RepairRequest, account_id: int) -> None:
    by = finish_by(RepairKind(repair.kind), uow.now, repair.window_to)
    name = await uow.session.scalar(select(Account.name).where(Account.id == account_id))
    values: dict[str, Any] = {
        "worker_account_id": account_id,
        "worker_name": name,
        "taken_at": uow.now,
        "finish_by": by,
    }
    await take(uow, repair, Step.TAKE, **values)


async def assign_repair(uow: UnitOfWork, *, repair_id: int, worker_id: int | None = None) -> None:
    """Give a repair to a worker, or to the one whose turn it is: one that is open, or that another has, who is ill or
    works there no more. Raises NotFound, Forbidden, NotSoFar, AlreadyTaken (the worker has it), SkillMissing (the
    worker cannot do it, or works there no more), NobodyThere."""
    repair = await locked(uow, repair_id)
    if not may_manage(uow.actor, place_of(repair)):
        raise Forbidden
    if repair.state != RepairState.OPEN and repair.state not in UNDER_WAY:
        raise NotSoFar
    chosen = await _in_turn(uow, repair) if worker_id is None else await _named(uow, repair, worker_id)
    account_id = await uow.session.scalar(
        update(RepairWorker)
        .where(RepairWorker.id == chosen)
        .values(last_at=uow.now, turn=_turns(repair))
        .returning(RepairWorker.worker_account_id)
        .execution_options(synchronize_session=False)
    )
    assert account_id is not None  # noqa: S101 - it was locked above
    if repair.state == RepairState.OPEN:
        await _give(uow, repair, account_id)
    else:
        await _hand_over(uow, repair, account_id)
    tell_worker(uow, repair, News.GIVEN, account_id)
    record(uow, "repair.assigned", repair, worker=account_id, turn=worker_id is None)


async def _hand_over(uow: UnitOfWork, repair: RepairRequest, account_id: int) -> None:
    """Another goes on with it where it is. Its time goes on too; whether it is late is looked at and told anew."""
    name = await uow.session.scalar(select(Account.name).where(Account.id == account_id))
    await write(uow, repair, worker_account_id=account_id, worker_name=name, overdue_at=None)
    if repair.application_id is not None:
        begun = repair.state == RepairState.IN_PROGRESS
        state = Progress.IN_PROGRESS if begun else Progress.ACCEPTED
        await progress(uow, application_id=repair.application_id, state=state, note=HANDED_OVER)
    tell_worker(uow, repair, News.TAKEN_BACK)


def _turns(repair: RepairRequest) -> Any:
    """SQL: the number of the compound's next turn."""
    other = aliased(RepairWorker)
    of = other.compound_id == repair.compound_id
    return select(func.max(other.turn) + 1).where(of).scalar_subquery()


async def _named(uow: UnitOfWork, repair: RepairRequest, worker_id: int) -> int:
    found = await uow.session.execute(
        select(RepairWorker.id, RepairWorker.skills, RepairWorker.worker_account_id, _employed().label("employed"))
        .where(RepairWorker.id == worker_id, RepairWorker.compound_id == repair.compound_id)
        .with_for_update(of=RepairWorker)
    )
    worker = found.first()
    if worker is None:
        raise NotFound(field="worker")
    if repair.skill not in worker.skills or not worker.employed:
        raise SkillMissing(field="worker")
    if worker.worker_account_id == repair.worker_account_id:
        raise AlreadyTaken(field="worker")
    return int(worker.id)


async def _in_turn(uow: UnitOfWork, repair: RepairRequest) -> int:
    """All others who could are locked, in order of id, so that two repairs at once go to two workers."""
    found = await uow.session.execute(
        select(RepairWorker.id, RepairWorker.turn)
        .where(
            RepairWorker.compound_id == repair.compound_id,
            RepairWorker.skills.contains([repair.skill]),
            RepairWorker.worker_account_id.is_distinct_from(repair.worker_account_id),
            _employed(),
        )
        .order_by(RepairWorker.id)
        .with_for_update(of=RepairWorker)
    )
    chosen = next_in_turn([Turn(row.id, row.turn) for row in found])
    if chosen is None:
        raise NobodyThere
    return chosen


async def release_repair(uow: UnitOfWork, *, repair_id: int, reason: str) -> None:
    """Give a repair back, or take it from a worker, before anything is quoted: it is offered again.

    Raises NotFound, Forbidden, InvalidText, NotSoFar.
    """
    repair = await locked(uow, repair_id)
    if not (does(uow.actor, repair) or may_manage(uow.actor, place_of(repair))):
        raise Forbidden
    said = words(reason, field="reason", least=1, most=MAX_WORDS, lines=True)
    await take(uow, repair, Step.RELEASE, said, **NOBODY)
    tell_worker(uow, repair, News.TAKEN_BACK)
    record(uow, "repair.released", repair)


async def _own_work(uow: UnitOfWork, repair_id: int) -> RepairRequest:
    """The locked repair that is the actor's work. Raises NotFound, Forbidden."""
    repair = await locked(uow, repair_id)
    if not does(uow.actor, repair):
        raise Forbidden
    return repair


async def quote_repair(uow: UnitOfWork, *, repair_id: int, items: Sequence[Item], note: str = "") -> int:
    """Say what it will cost, before the work or when more is found during it; the quotation's id.

    Raises NotFound, Forbidden, InvalidItems, InvalidText, NotSoFar (also of a repair under warranty: it is free).
    """
    repair = await _own_work(uow, repair_id)
    asked, said = checked(items), words(note, field="note", most=MAX_WORDS, lines=True)
    await take(uow, repair, Step.QUOTE, said, quoted_at=uow.now)
    row = place_columns(repair) | {
        "worker_account_id": repair.worker_account_id,
        "total_fen": total_fen(asked),
        "note": said,
        "offered_at": uow.now,
    }
    made = await uow.session.execute(insert(RepairQuotation).values(row).returning(RepairQuotation.id))
    quotation_id = int(made.scalar_one())
    await put_items(uow, repair, asked, quotation_id)
    record(uow, "repair.quoted", repair, quotation=quotation_id, total_fen=total_fen(asked))
    return quotation_id


async def start_repair(uow: UnitOfWork, *, repair_id: int, uploads: Sequence[int] = ()) -> None:
    """Begin the work, with pictures of before. Raises NotFound, Forbidden, NotSoFar, TooManyPictures."""
    repair = await _own_work(uow, repair_id)
    await take(uow, repair, Step.START, started_at=uow.now)
    await _show(uow, repair, uploads, "before")
    record(uow, "repair.started", repair)


async def finish_repair(
    uow: UnitOfWork,
    *,
    repair_id: int,
    items: Sequence[Item] | None = None,
    note: str = "",
    uploads: Sequence[int] = (),
) -> None:
    """The work is done: what was used (None = what was agreed), a note, pictures of after. Free under warranty.

    Raises NotFound, Forbidden, InvalidItems, InvalidText, NotSoFar, AboveQuotation, TooManyPictures.
    """
    repair = await _own_work(uow, repair_id)
    if repair.state != RepairState.IN_PROGRESS:
        raise NotSoFar
    used, said = None if items is None else checked(items), words(note, field="note", most=MAX_WORDS, lines=True)
    price = 0
    if repair.warranty_of_id is None:
        quotation_id, agreed = await _agreed(uow, repair)
        used = await items_of(uow, quotation_id) if used is None else used
        price = total_fen(used)
        if price > agreed:
            raise AboveQuotation(field="items")
    zone = await uow.session.scalar(select(Area.timezone).where(Area.id == repair.compound_id))
    kind, done = RepairKind(repair.kind), {"done_at": uow.now, "price_fen": price, "result": said}
    done |= {"warranty_until": warranty_until(kind, uow.now, str(zone)), "visit_by": uow.now + RETURN_VISIT_WITHIN}
    await take(uow, repair, Step.FINISH, said, **done)
    await put_items(uow, repair, used or (), None)
    await _show(uow, repair, uploads, "after")
    record(uow, "repair.finished", repair, price_fen=price)
    uow.emit(RepairDone(repair.id), compound_id=repair.compound_id)


async def _agreed(uow: UnitOfWork, repair: RepairRequest) -> tuple[int, int]:
    """Id and total of the quotation the home agreed to last."""
    found = await uow.session.execute(
        select(RepairQuotation.id, RepairQuotation.total_fen)
        .where(RepairQuotation.repair_id == repair.id, RepairQuotation.state == "accepted")
        .order_by(RepairQuotation.id.desc())
        .limit(1)
    )
    row = found.first()
    if row is None:
        raise NotSoFar
    return int(row.id), int(row.total_fen)


async def _show(uow: UnitOfWork, repair: RepairRequest, uploads: Sequence[int], label: str) -> None:
    number, home = repair.id, repair.home_id
    of = Subject.REPAIR
    await attach(uow, upload_ids=uploads, subject=of, subject_id=number, where=repair, home_id=home, label=label)
