"""Commands of those who ask: request a repair, answer its quotation, call it off, rate it; and of the office."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from domain.community.applications.service import Kind, submit
from domain.community.repairs.errors import (
    AlreadyRated,
    AlreadyVisited,
    InvalidRating,
    InvalidWindow,
    NotSoFar,
    NoWarranty,
    TooLateToCancel,
)
from domain.community.repairs.models import RepairRequest
from domain.community.repairs.policies import lives_there, may_ask, may_manage, visible
from domain.community.repairs.rules import KINDS, RepairKind, RepairState, Step, may_cancel
from domain.community.repairs.telling import News, tell_worker
from domain.community.repairs.writing import MAX_WORDS, answer, locked, record, take, write
from domain.community.uploads.rules import Subject
from domain.community.uploads.service import attach
from domain.estate.models import Area, Building, Home
from domain.identity.policies import place_of
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import AnyRow, UnitOfWork

MAX_TITLE = 60
LONGEST_WINDOW = timedelta(days=1)
FARTHEST_WINDOW = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class NewRepair:
    """A repair that is asked for. window: when somebody is at home. warranty_of: the repair it should have mended.

    uploads: ids of pictures the asker has sent.
    """

    home_id: int
    kind: RepairKind
    title: str
    description: str = ""
    window: tuple[datetime, datetime] | None = None
    warranty_of: int | None = None
    uploads: Sequence[int] = ()


async def request_repair(uow: UnitOfWork, new: NewRepair) -> int:
    """Ask for a repair of a home; returns its id.

    Raises NotFound (home, earlier repair or a picture out of sight), Forbidden, InvalidText, InvalidWindow, NoWarranty,
    TooManyPictures.
    """
    home = await _home(uow, new.home_id)
    if not may_ask(uow.actor, new.home_id, place_of(home)):
        raise Forbidden
    title = words(new.title, field="title", least=1, most=MAX_TITLE)
    window = _window(new.window, uow.now)
    if new.warranty_of is not None:
        await _warranted(uow, new, home.timezone)
    rule = KINDS[new.kind]
    row = {
        **{name: getattr(home, name) for name in ("county_id", "town_id", "community_id", "compound_id")},
        "home_id": new.home_id,
        "building_id": home.building_id,
        "account_id": uow.actor.account_id,
        "warranty_of_id": new.warranty_of,
        "kind": str(new.kind),
        "skill": str(rule.skill),
        "title": title,
        "description": words(new.description, field="description", most=MAX_WORDS, lines=True),
        "address": f"{home.building} {home.unit}-{home.door}",
        "window_from": window[0],
        "window_to": window[1],
        "submitted_at": uow.now,
        "accept_by": uow.now + rule.accept_within,
    }
    repair = (await uow.session.execute(insert(RepairRequest).values(row).returning(RepairRequest))).scalar_one()
    application = await submit(
        uow, kind=Kind.REPAIR, subject_id=repair.id, home_id=new.home_id, title=f"{rule.name}：{title}"
    )
    await write(uow, repair, application_id=application)
    home_id, of = new.home_id, Subject.REPAIR
    await attach(
        uow, upload_ids=new.uploads, subject=of, subject_id=repair.id, where=repair, home_id=home_id, label="problem"
    )
    record(uow, "repair.requested", repair, kind=repair.kind, warranty=new.warranty_of is not None)
    return repair.id


async def _home(uow: UnitOfWork, home_id: int) -> AnyRow:
    """The home with its building and zone. Raises NotFound."""
    found = await uow.session.execute(
        select(
            Home.county_id, Home.town_id, Home.community_id, Home.compound_id,
            Home.building_id, Home.unit, Home.door, Building.name.label("building"), Area.timezone,
        )
        .join(Building, Building.id == Home.building_id)
        .join(Area, Area.id == Home.compound_id)
        .where(Home.id == home_id)
    )  # fmt: skip
    home = found.first()
    if home is None:
        raise NotFound(field="home")
    return home


def _window(window: tuple[datetime, datetime] | None, now: datetime) -> tuple[datetime, datetime] | tuple[None, None]:
    if window is None:
        return None, None
    begins, ends = window
    if not (begins < ends <= begins + LONGEST_WINDOW and now < ends and begins <= now + FARTHEST_WINDOW):
        raise InvalidWindow(field="window")
    return begins, ends


async def _warranted(uow: UnitOfWork, new: NewRepair, zone: str) -> None:
    """The earlier repair is of the same kind and home, done, and under warranty today. Raises NotFound, NoWarranty."""
    found = await uow.session.execute(
        select(RepairRequest.home_id, RepairRequest.kind, RepairRequest.warranty_until).where(
            RepairRequest.id == new.warranty_of, visible(uow.actor)
        )
    )
    earlier = found.first()
    if earlier is None or earlier.home_id != new.home_id:
        raise NotFound(field="warrantyOf")
    today = uow.now.astimezone(ZoneInfo(zone)).date()
    if earlier.kind != new.kind or earlier.warranty_until is None or today > earlier.warranty_until:
        raise NoWarranty


async def _own(uow: UnitOfWork, repair_id: int) -> RepairRequest:
    """The locked repair of a home the actor is a verified resident of. Raises NotFound, Forbidden."""
    repair = await locked(uow, repair_id)
    if not lives_there(uow.actor, repair.home_id):
        raise Forbidden
    return repair


async def _managed(uow: UnitOfWork, repair_id: int) -> RepairRequest:
    """The locked repair of a compound the actor is the office of. Raises NotFound, Forbidden."""
    repair = await locked(uow, repair_id)
    if not may_manage(uow.actor, place_of(repair)):
        raise Forbidden
    return repair


async def answer_quotation(uow: UnitOfWork, *, repair_id: int, accept: bool, note: str = "") -> None:
    """Agree to what is quoted, or not: then the worker may quote anew. Agreeing gives the time of waiting back.

    Raises NotFound, Forbidden, InvalidText, NotSoFar.
    """
    repair = await _own(uow, repair_id)
    said = words(note, field="note", most=MAX_WORDS, lines=True)
    waited = uow.now - repair.quoted_at if repair.quoted_at is not None else timedelta()
    by = None if repair.finish_by is None else repair.finish_by + waited
    step = Step.AGREE if accept else Step.REFUSE
    await take(uow, repair, step, said, finish_by=by)
    quotation = await answer(uow, repair, "accepted" if accept else "refused")
    tell_worker(uow, repair, News.AGREED if accept else News.REFUSED)
    record(uow, "repair.answered", repair, accepted=accept, quotation=quotation or 0)


async def cancel_repair(uow: UnitOfWork, *, repair_id: int, reason: str) -> None:
    """Call it off. A home that agreed to a visit may until two hours before it; the office until work begins.

    Raises NotFound, Forbidden, InvalidText, NotSoFar, TooLateToCancel.
    """
    repair = await locked(uow, repair_id)
    place = place_of(repair)
    if not may_ask(uow.actor, repair.home_id, place):
        raise Forbidden
    said = words(reason, field="reason", least=1, most=MAX_WORDS, lines=True)
    office, state = may_manage(uow.actor, place), RepairState(repair.state)
    if not may_cancel(state, by_office=office, visit_from=repair.window_from, now=uow.now):
        free = may_cancel(state, by_office=True, visit_from=repair.window_from, now=uow.now)
        raise TooLateToCancel if free else NotSoFar
    await take(uow, repair, Step.CANCEL, said)
    await answer(uow, repair, "withdrawn")
    tell_worker(uow, repair, News.CANCELLED)
    record(uow, "repair.cancelled", repair)


async def reject_repair(uow: UnitOfWork, *, repair_id: int, reason: str) -> None:
    """The office does not have it repaired, and says why. Raises NotFound, Forbidden, InvalidText, NotSoFar."""
    repair = await _managed(uow, repair_id)
    await take(uow, repair, Step.REJECT, words(reason, field="reason", least=1, most=MAX_WORDS, lines=True))
    tell_worker(uow, repair, News.REJECTED)
    record(uow, "repair.rejected", repair)


async def rate_repair(uow: UnitOfWork, *, repair_id: int, stars: int, text: str = "") -> None:
    """Say once how it was: one to five, and words. Raises NotFound, Forbidden, InvalidRating, InvalidText, NotSoFar,
    AlreadyRated."""
    repair = await _own(uow, repair_id)
    if not 1 <= stars <= 5:
        raise InvalidRating(field="stars")
    said = words(text, field="words", most=MAX_WORDS, lines=True)
    if repair.state != RepairState.DONE:
        raise NotSoFar
    if not await write(uow, repair, RepairRequest.rated_at.is_(None), stars=stars, rating=said, rated_at=uow.now):
        raise AlreadyRated
    record(uow, "repair.rated", repair, stars=stars)


async def record_return_visit(uow: UnitOfWork, *, repair_id: int, satisfied: bool, note: str) -> None:
    """The office asked the home whether all is well, once. Raises NotFound, Forbidden, InvalidText, NotSoFar,
    AlreadyVisited."""
    repair = await _managed(uow, repair_id)
    said = words(note, field="note", most=MAX_WORDS, lines=True)
    if repair.state != RepairState.DONE:
        raise NotSoFar
    values = {"visited_at": uow.now, "satisfied": satisfied, "visit_note": said}
    if not await write(uow, repair, RepairRequest.visited_at.is_(None), **values):
        raise AlreadyVisited
    record(uow, "repair.visited", repair, satisfied=satisfied)
