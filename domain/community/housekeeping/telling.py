"""What workers are told by a push of the visits that become theirs, and cease to be."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select

from domain.community.housekeeping.events import VisitTold
from domain.community.housekeeping.models import Booking, Service
from domain.community.housekeeping.rules import State
from domain.estate.models import Area
from domain.identity.telling import CHINESE, ENGLISH, Words, moment, spoken
from domain.kernel.uow import AnyRow, UnitOfWork


class News(StrEnum):
    """What a worker is told."""

    GIVEN = "given"
    GIVEN_AWAY = "given_away"
    CANCELLED = "cancelled"


TITLES: Final[dict[News, dict[str, str]]] = {
    News.GIVEN: {CHINESE: "新的家政预约", ENGLISH: "A visit for you"},
    News.GIVEN_AWAY: {CHINESE: "家政预约已改派", ENGLISH: "A visit is no longer yours"},
    News.CANCELLED: {CHINESE: "家政预约已取消", ENGLISH: "A visit is cancelled"},
}
BODIES: Final = {CHINESE: "{service}，{when}", ENGLISH: "{service}, {when}"}
MORE: Final = {CHINESE: "起，共 {times} 次", ENGLISH: " and on, {times} times"}


def tell_workers(uow: UnitOfWork, compound_id: int, what: News, visits: Iterable[tuple[int, int]]) -> None:
    """Tell the workers of ``visits`` (account and booking, in order of time), each once, of the first and of how many.

    Who did it themselves is not told.
    """
    of: dict[int, list[int]] = {}
    for account_id, booking_id in visits:
        of.setdefault(account_id, []).append(booking_id)
    for account_id, ids in sorted(of.items()):
        if account_id != uow.actor.account_id:
            uow.emit(VisitTold(ids[0], account_id, str(what), len(ids)), compound_id=compound_id)


async def words_for(uow: UnitOfWork, said: dict[str, Any]) -> Words | None:
    """The words for a ``VisitTold``: which service and when, not where and whose.

    None when it is no longer so, or the account does not work there any more.
    """
    found = await uow.session.execute(
        select(
            Booking.worker_account_id,
            Booking.state,
            Booking.starts_at,
            Booking.compound_id,
            Service.name,
            Area.timezone,
        )
        .join(Service, Service.id == Booking.service_id)
        .join(Area, Area.id == Booking.compound_id)
        .where(Booking.id == said["booking_id"])
    )
    booking, what, account_id = found.first(), News(said["what"]), said["account_id"]
    if booking is None or not _stands(booking, what, account_id, said["times"]):
        return None
    language = await spoken(uow, account_id, works_in=booking.compound_id)
    if language is None:
        return None
    body = BODIES[language].format(service=booking.name, when=moment(booking.starts_at, booking.timezone, language))
    return Words(
        account_id,
        TITLES[what][language],
        body if said["times"] == 1 else body + MORE[language].format(times=said["times"]),
        link=f"zhian://visits/{said['booking_id']}",
        collapse=f"visit-{said['booking_id']}",
    )


def _stands(booking: AnyRow, what: News, account_id: int, times: int) -> bool:
    """Whether the news still goes: what was given is still theirs, what was given away is not theirs again."""
    theirs = bool(booking.worker_account_id == account_id)
    if what is News.GIVEN:
        return theirs and (times > 1 or booking.state == State.BOOKED)
    return what is News.CANCELLED or not theirs
