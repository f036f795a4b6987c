"""Who is told of a repair by a push, and in which words: its worker of what others do to it, the office of delays."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select

from domain.community.repairs.events import RepairTold
from domain.community.repairs.models import RepairRequest
from domain.community.repairs.rules import ENDS, KINDS, Late, RepairKind, RepairState
from domain.estate.models import Area
from domain.identity.policies import OFFICE
from domain.identity.telling import CHINESE, ENGLISH, Words, moment, spoken, who_works
from domain.kernel.uow import AnyRow, UnitOfWork


class News(StrEnum):
    """What somebody is told. The first three are for the worker who still has the repair."""

    GIVEN = "given"
    AGREED = "agreed"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    NOT_TAKEN = "not_taken"
    NOT_DONE = "not_done"


TITLES: Final[dict[News, dict[str, str]]] = {
    News.GIVEN: {CHINESE: "新的维修任务", ENGLISH: "A repair for you"},
    News.AGREED: {CHINESE: "住户已同意报价", ENGLISH: "The quotation is agreed to"},
    News.REFUSED: {CHINESE: "住户未同意报价", ENGLISH: "The quotation is not agreed to"},
    News.TAKEN_BACK: {CHINESE: "维修任务已收回", ENGLISH: "A repair is no longer yours"},
    News.CANCELLED: {CHINESE: "维修已取消", ENGLISH: "A repair is cancelled"},
    News.REJECTED: {CHINESE: "物业已终止维修", ENGLISH: "The office ended a repair"},
    News.NOT_TAKEN: {CHINESE: "维修超时未接单", ENGLISH: "A repair was not taken in time"},
    News.NOT_DONE: {CHINESE: "维修超时未完成", ENGLISH: "A repair is not done in time"},
}
LATE: Final = {Late.ACCEPT: News.NOT_TAKEN, Late.FINISH: News.NOT_DONE}
_HELD: Final = frozenset({News.GIVEN, News.AGREED, News.REFUSED})
_ANY_TIME: Final = {CHINESE: "时间待约", ENGLISH: "time to be agreed"}


def tell_worker(uow: UnitOfWork, repair: RepairRequest, what: News, account_id: int | None = None) -> None:
    """Tell the repair's worker (or who becomes it), unless nobody has it or they did it themselves."""
    worker = account_id or repair.worker_account_id
    if worker is not None and worker != uow.actor.account_id:
        uow.emit(RepairTold(repair.id, worker, str(what)), compound_id=repair.compound_id)


async def tell_late(uow: UnitOfWork, *, repair_id: int, late: str) -> int:
    """Tell the property office, and the worker who has it, that a repair is late; to how many.

    Nobody when it has moved on since.
    """
    found = await uow.session.execute(select(RepairRequest).where(RepairRequest.id == repair_id))
    repair = found.scalar_one_or_none()
    if repair is None or repair.overdue_at is None:
        return 0
    told = set((await uow.session.execute(who_works(repair.compound_id, OFFICE))).scalars().all())
    if repair.worker_account_id is not None:
        told.add(repair.worker_account_id)
    for account_id in sorted(told):
        uow.emit(RepairTold(repair_id, account_id, str(LATE[Late(late)])), compound_id=repair.compound_id)
    return len(told)


async def words_for(uow: UnitOfWork, said: dict[str, Any]) -> Words | None:
    """The words for a ``RepairTold``: what is repaired and when, not where and whose.

    None when it is no longer so, or the account does not work there any more.
    """
    found = await uow.session.execute(
        select(
            RepairRequest.kind, RepairRequest.state, RepairRequest.worker_account_id, RepairRequest.overdue_at,
            RepairRequest.window_from, RepairRequest.window_to, RepairRequest.compound_id, Area.timezone,
        )
        .join(Area, Area.id == RepairRequest.compound_id)
        .where(RepairRequest.id == said["repair_id"])
    )  # fmt: skip
    repair, what, account_id = found.first(), News(said["what"]), said["account_id"]
    if repair is None or not _stands(repair, what, account_id):
        return None
    language = await spoken(uow, account_id, works_in=repair.compound_id)
    if language is None:
        return None
    kind = KINDS[RepairKind(repair.kind)].name if language == CHINESE else repair.kind.replace("_", " ")
    separator = "，" if language == CHINESE else ", "
    return Words(
        account_id,
        TITLES[what][language],
        f"{kind}{separator}{_when(repair, language)}",
        link=f"zhian://repairs/{said['repair_id']}",
        collapse=f"repair-{said['repair_id']}",
    )


def _stands(repair: AnyRow, what: News, account_id: int) -> bool:
    """Whether the news still goes: of a repair that another has now, or that ended or moved on, it does not."""
    if what in LATE.values():
        return repair.overdue_at is not None
    if what in _HELD:
        return bool(repair.worker_account_id == account_id) and RepairState(repair.state) not in ENDS
    return True


def _when(repair: AnyRow, language: str) -> str:
    if repair.window_from is None:
        return _ANY_TIME[language]
    begins, ends = (moment(at, repair.timezone, language) for at in (repair.window_from, repair.window_to))
    day, _, time = ends.rpartition(" ")
    return f"{begins}–{time}" if begins.startswith(f"{day} ") else f"{begins} – {ends}"
