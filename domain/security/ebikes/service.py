"""Commands on e-bikes: register, fix and remove tags, arm and disarm guard mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.estate.models import Home
from domain.identity.models import Household
from domain.identity.policies import place_of
from domain.identity.ports import Vault
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.texts import words
from domain.kernel.uow import UnitOfWork
from domain.security.alerts import raising
from domain.security.alerts.models import Alert, AlertKind
from domain.security.ebikes.errors import NotAMember, TagInUse, TagRemoved, TooManyTags
from domain.security.ebikes.models import EBike, EBikeTag
from domain.security.ebikes.policies import lives_there, may_guard, may_keep
from domain.security.ebikes.queries import visible
from domain.security.ebikes.rules import TagPlace
from domain.security.ebikes.tags import plate_place, tag_columns
from domain.security.sightings.subjects import plate_of, tag_of

MAX_WORDS = 40
MAX_TAGS = 6


@dataclass(frozen=True, slots=True)
class NewEBike:
    """An e-bike to be registered. ``owner_id``: a member of the home; None = the resident who registers it."""

    home_id: int
    plate: str | None = None
    make: str = ""
    color: str = ""
    owner_id: int | None = None
    tags: Sequence[tuple[str, TagPlace]] = ()


async def register_ebike(uow: UnitOfWork, *, vault: Vault, new: NewEBike) -> int:
    """Register a home's e-bike with its tags; returns its id.

    Raises NotFound (home out of sight), Forbidden, InvalidText, InvalidSubject, NotAMember, TagInUse, TooManyTags.
    """
    found = await uow.session.execute(
        select(Home.county_id, Home.town_id, Home.community_id, Home.compound_id).where(Home.id == new.home_id)
    )
    home = found.first()
    if home is None:
        raise NotFound(field="home")
    if not may_keep(uow.actor, new.home_id, place_of(home)):
        raise Forbidden
    owner = await _owner(uow, new)
    plate = plate_of(new.plate) if new.plate else None
    await vault.ready((home.compound_id,))
    ids = select(func.nextval(func.pg_get_serial_sequence("ebike", "id")))
    ebike_id: int = (await uow.session.execute(ids)).scalar_one()
    row = {
        **home._mapping,  # noqa: SLF001 - public by name
        "id": ebike_id,
        "home_id": new.home_id,
        "account_id": owner,
        "plate": None if plate is None else vault.seal(plate, plate_place(ebike_id), area=home.compound_id),
        "make": words(new.make, field="make", most=MAX_WORDS),
        "color": words(new.color, field="color", most=MAX_WORDS),
        "created_at": uow.now,
    }
    ebike = (await uow.session.execute(insert(EBike).values(row).returning(EBike))).scalar_one()
    for tag, place in new.tags:
        await _fix(uow, vault, ebike, tag, place)
    _record(uow, "ebike.registered", ebike, tags=len(new.tags))
    return ebike.id


def _record(uow: UnitOfWork, action: str, ebike: EBike, **details: int | str) -> None:
    """Tags and plates are found by their ids: a number of a thing somebody owns does not stand in the audit log."""
    uow.record(action, "EBike", ebike.id, where=ebike, homes=(ebike.home_id,), details=details)


async def _owner(uow: UnitOfWork, new: NewEBike) -> int:
    """The account that owns the new e-bike, a member of its home who does not leave meanwhile. Raises NotAMember."""
    own = uow.actor.account_id if lives_there(uow.actor, new.home_id) else None
    owner = new.owner_id if new.owner_id is not None else own
    member = await uow.session.scalar(
        select(Household.account_id)
        .where(Household.home_id == new.home_id, Household.account_id == owner, Household.ended_at.is_(None))
        .with_for_update(read=True)
    )
    if member is None:
        raise NotAMember(field="owner")
    return member


async def _locked(uow: UnitOfWork, ebike_id: int) -> EBike:
    """The e-bike in use, locked, which the actor sees. Raises NotFound."""
    seen = select(EBike).where(EBike.id == ebike_id, EBike.in_use(), visible(uow.actor, EBike))
    ebike = (await uow.session.execute(seen.with_for_update())).scalar_one_or_none()
    if ebike is None:
        raise NotFound(field="id")
    return ebike


async def _fix(uow: UnitOfWork, vault: Vault, ebike: EBike, tag: str, place: TagPlace) -> int:
    """Fix a tag to the locked e-bike, whose compound's key is ready. Raises InvalidSubject, TagInUse, TooManyTags."""
    fixed = await uow.session.scalar(
        select(func.count()).where(EBikeTag.ebike_id == ebike.id, EBikeTag.removed_at.is_(None))
    )
    if (fixed or 0) >= MAX_TAGS:
        raise TooManyTags(field="tag", most=MAX_TAGS)
    number = tag_of(tag)
    row = {
        "county_id": ebike.county_id,
        "town_id": ebike.town_id,
        "community_id": ebike.community_id,
        "compound_id": ebike.compound_id,
        "ebike_id": ebike.id,
        "home_id": ebike.home_id,
        "place": str(place),
        "added_at": uow.now,
        **tag_columns(vault, ebike.compound_id, ebike.id, number),
    }
    added = await uow.session.execute(
        insert(EBikeTag)
        .values(row)
        .on_conflict_do_nothing(index_elements=["tag_index"], index_where=text("removed_at is null"))
        .returning(EBikeTag.id)
    )
    tag_id = added.scalar()
    if tag_id is None:
        raise TagInUse(field="tag", tag=number)
    return int(tag_id)


async def add_tag(uow: UnitOfWork, *, vault: Vault, ebike_id: int, tag: str, place: TagPlace) -> int:
    """Fix a tag to an e-bike; returns the tag's id. A tag is in use once in the whole deployment.

    Raises NotFound, Forbidden, InvalidSubject, TagInUse, TooManyTags.
    """
    ebike = await _locked(uow, ebike_id)
    if not may_keep(uow.actor, ebike.home_id, place_of(ebike)):
        raise Forbidden
    await vault.ready((ebike.compound_id,))
    tag_id = await _fix(uow, vault, ebike, tag, place)
    _record(uow, "ebike.tag_added", ebike, tag=tag_id, place=str(place))
    return tag_id


async def remove_tag(uow: UnitOfWork, *, tag_id: int) -> int:
    """Take a tag off its e-bike; returns the e-bike's id. Raises NotFound, Forbidden, TagRemoved."""
    found = await uow.session.execute(select(EBikeTag).where(EBikeTag.id == tag_id, visible(uow.actor, EBikeTag)))
    tag = found.scalar_one_or_none()
    if tag is None:
        raise NotFound(field="id")
    if not may_keep(uow.actor, tag.home_id, place_of(tag)):
        raise Forbidden
    removed = await uow.session.execute(
        update(EBikeTag)
        .where(EBikeTag.id == tag_id, EBikeTag.removed_at.is_(None))
        .values(removed_at=uow.now)
        .returning(EBikeTag.ebike_id)
        .execution_options(synchronize_session=False)
    )
    ebike_id = removed.scalar()
    if ebike_id is None:
        raise TagRemoved
    said = {"tag": tag_id}
    uow.record("ebike.tag_removed", "EBike", ebike_id, where=tag, homes=(tag.home_id,), details=said)
    return int(ebike_id)


async def _guarded(uow: UnitOfWork, ebike_id: int) -> EBike:
    """The e-bike, locked, which the actor may guard. Raises NotFound, Forbidden."""
    ebike = await _locked(uow, ebike_id)
    if not may_guard(uow.actor, ebike.home_id):
        raise Forbidden
    return ebike


async def arm(uow: UnitOfWork, *, ebike_id: int) -> None:
    """Guard the e-bike from now on; one that is guarded stays so since when it was. Raises NotFound, Forbidden."""
    ebike = await _guarded(uow, ebike_id)
    if ebike.guarded_since is not None:
        return
    await uow.session.execute(
        update(EBike)
        .where(EBike.id == ebike_id)
        .values(guarded_since=uow.now)
        .execution_options(synchronize_session=False)
    )
    _record(uow, "ebike.armed", ebike)


async def disarm(uow: UnitOfWork, *, ebike_id: int) -> None:
    """Guard it no longer; its open alert is cleared with that. Raises NotFound, Forbidden."""
    ebike = await _guarded(uow, ebike_id)
    await uow.session.execute(
        update(EBike)
        .where(EBike.id == ebike_id)
        .values(guarded_since=None)
        .execution_options(synchronize_session=False)
    )
    if ebike.guarded_since is not None:
        _record(uow, "ebike.disarmed", ebike)
    connection = await uow.session.connection()
    # The alert stands in the compound of the reader that saw the e-bike, so it is found by its home.
    where = (Alert.home_id == ebike.home_id, Alert.source == f"ebike:{ebike_id}", Alert.kind == AlertKind.EBIKE_MOVED)
    for alert in await raising.clear(connection, where, because="disarmed", now=uow.now, by=uow.actor.account_id):
        uow.tell("alerts", compound_id=alert.compound_id)
