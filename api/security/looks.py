"""Looks at movements and events of others, for the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.context import Context, Info
from api.estate import loaders as estate
from api.looks import OF_LEAF
from api.security.policy import SERVING
from domain.identity.audit.watching import subject_index
from domain.kernel.acts import Act
from domain.kernel.uow import AnyRow
from domain.security.sightings.queries import SightingFilter
from domain.security.sightings.subjects import subject_of


def look_at(info: Info, leaf: str, row: AnyRow) -> None:
    """The sensitive ``leaf`` of somebody else's event or sighting is shown. What tells nobody apart is no look."""
    if leaf == "Event.attributes" and row.personal is None:
        return  # nothing in it tells who it was
    name = leaf.partition(".")[0]
    info.context.looked_at(OF_LEAF[leaf], name, f"{row.compound_id}.{row.id}", row, (row.home_id,))


async def searched(context: Context, wanted: SightingFilter, shown: Sequence[Any]) -> None:
    """Somebody was looked up by plate, tag or number, found or not; residents find nobody but themselves."""
    subject = subject_index(context.services.vault, str(wanted.kind), subject_of(wanted.kind, wanted.subject))
    details = {"kind": str(wanted.kind), "subject": subject, "shown": len(shown)}
    for place in await serving_in(context, wanted.area_id):
        context.looks.put(Act("sighting.searched", "Sighting", None, place, details=details))


async def serving_in(context: Context, area_id: int | None) -> Sequence[Any]:
    """Where somebody who serves looks: the area, or everywhere they serve. Nowhere for those who only live there."""
    served = {grant.area_id for grant in context.actor.grants if grant.role in SERVING}
    if not served:
        return ()
    ids = sorted(served) if area_id is None else [area_id]
    found = [await context.loaders.one(estate.areas, each) for each in ids]
    return [area for area in found if area is not None]
