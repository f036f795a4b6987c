"""Commands of applications, called by the slices whose matter they are, inside their own unit of work."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.community.applications.errors import AlreadySubmitted, ApplicationOver, TooManyOpen
from domain.community.applications.models import Application, ApplicationChange
from domain.community.applications.rules import BEFORE, ENDS, MOST_OPEN, OPEN, Kind, Progress
from domain.estate.models import Home
from domain.kernel.errors import NotFound
from domain.kernel.texts import words
from domain.kernel.uow import AnyRow, UnitOfWork

MAX_TITLE = 120
MAX_NOTE = 500
TOPIC = "requests"
"""The topic of news of the log."""
LOGGED = (
    Application.county_id,
    Application.town_id,
    Application.community_id,
    Application.compound_id,
    Application.id,
    Application.home_id,
    Application.kind,
    Application.subject_id,
    Application.title,
    Application.state,
    Application.submitted_at,
    Application.accepted_at,
    Application.closed_at,
)

__all__ = ["MAX_NOTE", "MAX_TITLE", "TOPIC", "Kind", "Progress", "progress", "submit"]


async def submit(uow: UnitOfWork, *, kind: Kind, subject_id: int, home_id: int, title: str) -> int:
    """Count a new application of a home; returns its id. ``subject_id``: the row of the slice of that ``kind``.

    Raises NotFound (home out of sight), InvalidText, AlreadySubmitted, TooManyOpen.
    """
    said = words(title, field="title", least=1, most=MAX_TITLE)
    place = select(Home.county_id, Home.town_id, Home.community_id, Home.compound_id).where(Home.id == home_id)
    home = (await uow.session.execute(place)).first()
    if home is None:
        raise NotFound(field="home")
    await _check_room(uow, home_id)
    row = {
        **home._mapping,  # noqa: SLF001 - public by name
        "home_id": home_id,
        "account_id": uow.actor.account_id,
        "kind": str(kind),
        "subject_id": subject_id,
        "title": said,
        "submitted_at": uow.now,
        "updated_at": uow.now,
    }
    once = upsert(Application).values(row).on_conflict_do_nothing(index_elements=["kind", "subject_id"])
    made = (await uow.session.execute(once.returning(*LOGGED))).first()
    if made is None:
        raise AlreadySubmitted
    await _log(uow, made, "")
    return int(made.id)


async def _check_room(uow: UnitOfWork, home_id: int) -> None:
    """One at a time for a home, so that none is counted past another. Raises TooManyOpen."""
    await uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("applications", home_id))))
    under_way = select(func.count()).where(Application.home_id == home_id, Application.state.in_(map(str, OPEN)))
    if (await uow.session.execute(under_way)).scalar_one() >= MOST_OPEN:
        raise TooManyOpen(field="home", most=MOST_OPEN)


async def progress(uow: UnitOfWork, *, application_id: int, state: Progress, note: str = "") -> None:
    """The application has come to ``state``; whoever follows it is told, with ``note``.

    Raises NotFound (out of the transaction's sight), InvalidText, ApplicationOver.
    """
    said = words(note, field="note", most=MAX_NOTE, lines=True)
    accepted = state not in (Progress.SUBMITTED, Progress.CANCELLED, Progress.REJECTED)
    changed = await uow.session.execute(
        update(Application)
        .where(Application.id == application_id, Application.state.in_([str(each) for each in BEFORE[state]]))
        .values(
            state=str(state),
            updated_at=uow.now,
            accepted_at=func.coalesce(Application.accepted_at, uow.now) if accepted else Application.accepted_at,
            closed_at=uow.now if state in ENDS else None,
        )
        .returning(*LOGGED)
        .execution_options(synchronize_session=False)
    )
    row = changed.first()
    if row is not None:
        await _log(uow, row, said)
        return
    known = await uow.session.scalar(select(Application.id).where(Application.id == application_id))
    raise NotFound(field="application") if known is None else ApplicationOver


async def _log(uow: UnitOfWork, row: AnyRow, note: str) -> None:
    """Append the application as it is now to the log that feeds read."""
    said = dict(row._mapping)  # noqa: SLF001 - public by name
    said["application_id"] = said.pop("id")
    await uow.session.execute(
        insert(ApplicationChange).values(**said, account_id=uow.actor.account_id, note=note, at=uow.now)
    )
    uow.tell(TOPIC, compound_id=row.compound_id)
