"""Reads of pictures: a sender's own unused ones, and those attached to things the actor sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, select

from domain.community.uploads.models import Attachment, Upload
from domain.community.uploads.rules import Subject
from domain.estate.visibility import in_scope
from domain.kernel.actor import Actor
from domain.kernel.keyset import keyset_page
from domain.kernel.paging import Page
from domain.kernel.uow import AnyRow, Reader

UPLOADS = (Upload.id, Upload.sha256, Upload.width, Upload.height, Upload.expires_at)
ATTACHMENTS = (
    Attachment.id,
    Attachment.county_id,
    Attachment.town_id,
    Attachment.community_id,
    Attachment.compound_id,
    Attachment.home_id,
    Attachment.subject,
    Attachment.subject_id,
    Attachment.label,
    Attachment.sha256,
    Attachment.width,
    Attachment.height,
    Attachment.attached_at,
)


def _own(actor: Actor, now: datetime) -> ColumnElement[bool]:
    """SQL: the actor's own uploads that have not been used and are not too old."""
    if actor.account_id is None:
        return false()
    return and_(Upload.account_id == actor.account_id, Upload.expires_at > now)


async def upload_page(reader: Reader, actor: Actor, now: datetime, *, first: int, after: str | None) -> Page[AnyRow]:
    """The actor's own uploads that wait to be attached, in order of id. Raises BadCursor."""
    return await keyset_page(reader, select(*UPLOADS).where(_own(actor, now)), Upload.id, first=first, after=after)


async def uploads_by_id(reader: Reader, actor: Actor, ids: Sequence[int], now: datetime) -> Sequence[AnyRow]:
    """The actor's own uploads among ``ids`` that have not been used and are not too old."""
    return await reader.rows(select(*UPLOADS).where(Upload.id.in_(ids), _own(actor, now)))


def _in_sight(actor: Actor) -> ColumnElement[bool]:
    """SQL: the picture is of the actor's areas and homes, or of where they work. Which work they see is its slice's
    to say."""
    scope = actor.scope
    return in_scope(replace(scope, compounds=(*scope.compounds, *scope.workplaces)), Attachment)


async def attachments_of(
    reader: Reader, actor: Actor, subject: Subject, ids: Sequence[int], now: datetime
) -> dict[int, list[AnyRow]]:
    """The pictures of things ``ids`` of one slice, in the order they were attached, by id of the thing.

    The caller has seen to it that the actor sees those things.
    """
    rows = await reader.rows(
        select(*ATTACHMENTS)
        .where(Attachment.subject == str(subject), Attachment.subject_id.in_(ids))
        .where(Attachment.expires_at > now, _in_sight(actor))
        .order_by(Attachment.subject_id, Attachment.id)
    )
    found: dict[int, list[AnyRow]] = {}
    for row in rows:
        found.setdefault(row.subject_id, []).append(row)
    return found


async def attachment_by_id(reader: Reader, actor: Actor, attachment_id: int, now: datetime) -> AnyRow | None:
    """A picture in the actor's areas and homes. Whether they see the thing it is attached to is still to be asked."""
    return await reader.row(
        select(*ATTACHMENTS).where(Attachment.id == attachment_id, Attachment.expires_at > now, _in_sight(actor))
    )
