"""Reads of sightings. Looking a subject up is looking up somebody's movements: office, police and its own home only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, tuple_

from domain.estate.focus import look_in
from domain.estate.newest import History, newest_of, page_of, place_after
from domain.estate.visibility import in_scope, scope_as
from domain.identity.policies import SEES_RESIDENTS
from domain.identity.ports import Vault
from domain.kernel.actor import Actor
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader
from domain.security.sightings.models import Sighting
from domain.security.sightings.subjects import SubjectKind, subject_index, subject_of

COLUMNS = (
    Sighting.id,
    Sighting.county_id,
    Sighting.town_id,
    Sighting.community_id,
    Sighting.compound_id,
    Sighting.at,
    Sighting.subject_kind,
    Sighting.subject,
    Sighting.device_id,
    Sighting.home_id,
    Sighting.direction,
    Sighting.left_at,
    Sighting.antenna,
    Sighting.rssi_dbm,
    Sighting.reads,
    Sighting.event_id,
)
SIGHTINGS = History(Sighting, Sighting.at, COLUMNS)
SightingKey = tuple[int, datetime, int]
"""Compound id, ``at`` and id: the whole key, so that one partition is read."""


@dataclass(frozen=True, slots=True)
class SightingFilter:
    """Whose sightings, where and when. ``since`` is included, ``until`` is not."""

    kind: SubjectKind
    subject: str
    area_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


async def sighting_page(
    reader: Reader, actor: Actor, vault: Vault, wanted: SightingFilter, *, first: int, after: str | None
) -> Page[AnyRow]:
    """Where a subject was seen, newest first. Raises NotFound (area out of sight), InvalidSubject, BadCursor."""
    subject = subject_of(wanted.kind, wanted.subject)
    scope = await look_in(reader, actor, wanted.area_id, scope_as(actor, SEES_RESIDENTS))
    where = [
        Sighting.subject_index == subject_index(vault, str(wanted.kind), subject),
        in_scope(scope, Sighting),
        _visible(actor),
    ]
    if wanted.since is not None:
        where.append(Sighting.at >= wanted.since)
    if wanted.until is not None:
        where.append(Sighting.at < wanted.until)
    rows = await reader.rows(newest_of(SIGHTINGS, where, place_after(after), first + 1))
    return page_of(SIGHTINGS, rows, first)


async def sightings_by_key(reader: Reader, actor: Actor, keys: Sequence[SightingKey]) -> Sequence[AnyRow]:
    """The sightings among ``keys`` that the actor sees."""
    key = tuple_(Sighting.compound_id, Sighting.at, Sighting.id)
    return await reader.rows(select(*COLUMNS).where(key.in_(keys), _visible(actor)))


def _visible(actor: Actor) -> ColumnElement[bool]:
    return in_scope(scope_as(actor, SEES_RESIDENTS), Sighting)
