"""Who leaves a home takes their e-bikes along: what of them ends then, so that who comes after is shown nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, or_, update

from domain.kernel.uow import UnitOfWork
from domain.security.alerts import raising
from domain.security.alerts.models import Alert, AlertKind
from domain.security.ebikes.models import EBike, EBikeTag


async def retire_with_owner(uow: UnitOfWork, *, home_id: int, account_id: int, at: datetime) -> list[int]:
    """Retire what the account kept in the home that it left at ``at``; returns the ids. Twice = once.

    As of then: e-bikes are retired and guarded no longer, their tags are free to be fixed to others, their open alerts
    are cleared. What somebody who came back has registered since stays.
    """
    mine = (EBike.home_id == home_id, EBike.account_id == account_id, EBike.retired_at.is_(None))
    retired = await uow.session.execute(
        update(EBike)
        .where(*mine, or_(EBike.created_at <= at, ~EBike.owner_belongs()))
        .values(retired_at=at, guarded_since=None)
        .returning(EBike)
        .execution_options(synchronize_session=False)
    )
    ebikes = sorted(retired.scalars(), key=lambda each: each.id)
    if not ebikes:
        return []
    # Whoever fixes a tag holds the e-bike's lock, so there are no others by now.
    ids = [ebike.id for ebike in ebikes]
    await uow.session.execute(
        update(EBikeTag)
        .where(EBikeTag.ebike_id.in_(ids), EBikeTag.removed_at.is_(None))
        .values(removed_at=func.greatest(EBikeTag.added_at, at))
        .execution_options(synchronize_session=False)
    )
    for ebike in ebikes:
        uow.record("ebike.retired", "EBike", ebike.id, where=ebike, homes=(home_id,), details={"owner": account_id})
    sources = [f"ebike:{each}" for each in ids]
    where = (Alert.home_id == home_id, Alert.source.in_(sources), Alert.kind == AlertKind.EBIKE_MOVED)
    for alert in await raising.clear(await uow.session.connection(), where, because="owner_left", now=at):
        uow.tell("alerts", compound_id=alert.compound_id)
    return ids
