"""Reads of e-bikes and their tags: for the office and police where they serve, and for the home they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from domain.estate.focus import look_in
from domain.estate.visibility import in_scope, scope_as, visible_to
from domain.identity.policies import SEES_RESIDENTS
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader
from domain.security.ebikes.models import EBike, EBikeTag

COLUMNS = (
    EBike.id,
    EBike.compound_id,
    EBike.home_id,
    EBike.account_id,
    EBike.plate,
    EBike.make,
    EBike.color,
    EBike.guarded_since,
    EBike.created_at,
    EBike.retired_at,
)
TAGS = (
    EBikeTag.id,
    EBikeTag.compound_id,
    EBikeTag.ebike_id,
    EBikeTag.tag,
    EBikeTag.tag_index,
    EBikeTag.place,
    EBikeTag.added_at,
    EBikeTag.removed_at,
)


def visible(actor: Actor, table: Any) -> ColumnElement[bool]:
    """SQL: ``actor`` sees the e-bike or tag: where they are shown residents, and in their own homes."""
    if actor.kind is ActorKind.SYSTEM:
        return visible_to(actor, table)
    return in_scope(scope_as(actor, SEES_RESIDENTS), table)


async def ebike_page(
    reader: Reader, actor: Actor, *, area_id: int | None, guarded: bool | None, first: int, after: str | None
) -> Page[AnyRow]:
    """E-bikes in use that the actor sees, in order of id. Raises NotFound (area out of sight), BadCursor."""
    scope = await look_in(reader, actor, area_id, scope_as(actor, SEES_RESIDENTS))
    query = select(*COLUMNS).where(in_scope(scope, EBike), visible(actor, EBike), EBike.in_use())
    if guarded is not None:
        armed = EBike.guarded_since.is_not(None)
        query = query.where(armed if guarded else ~armed)
    return await keyset_page(reader, query, EBike.id, first=first, after=after)


async def ebikes_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The e-bikes among ``ids`` that the actor sees."""
    return await reader.rows(select(*COLUMNS).where(EBike.id.in_(ids), visible(actor, EBike)))


async def tags_by_ebike(reader: Reader, actor: Actor, ids: Sequence[int]) -> dict[int, list[AnyRow]]:
    """The tags now fixed to the e-bikes ``ids``, of those the actor sees."""
    rows = await reader.rows(
        select(*TAGS)
        .where(EBikeTag.ebike_id.in_(ids), EBikeTag.removed_at.is_(None), visible(actor, EBikeTag))
        .order_by(EBikeTag.id)
    )
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(row.ebike_id, []).append(row)
    return found


async def tags_by_id(reader: Reader, actor: Actor, ids: Sequence[int]) -> Sequence[AnyRow]:
    """The tags among ``ids`` that the actor sees, also removed ones."""
    return await reader.rows(select(*TAGS).where(EBikeTag.id.in_(ids), visible(actor, EBikeTag)))
