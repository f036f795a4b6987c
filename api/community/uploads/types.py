"""GraphQL types of pictures that people sent."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.community.uploads import loaders
from api.context import Info
from api.nodes import Node, global_id
from domain.community.uploads.rules import Subject
from domain.kernel.uow import AnyRow


@strawberry.type(description="A picture that waits to be attached; its sender's alone. 待使用的图片（仅上传者可见）。")
class Upload(Node):
    """One unused picture."""

    width: int
    height: int
    expires_at: datetime


@strawberry.type(description="A picture of something, sent by somebody. 附图。")
class Attachment:
    """One picture; ``url`` is fetched with the same Bearer token."""

    url: str
    width: int
    height: int
    label: str
    attached_at: datetime


def upload(row: AnyRow) -> Upload:
    """The GraphQL object of an upload row."""
    return Upload(id=global_id("Upload", row.id), width=row.width, height=row.height, expires_at=row.expires_at)


def attachment(row: AnyRow) -> Attachment:
    """The GraphQL object of an attachment row."""
    return Attachment(
        url=f"/attachments/{row.id}",
        width=row.width,
        height=row.height,
        label=row.label,
        attached_at=row.attached_at,
    )


async def attachments_of(info: Info, subject: Subject, subject_id: int) -> list[Attachment]:
    """The pictures of a thing the caller sees, read together with those of its siblings."""
    rows = await info.context.loaders.one(loaders.attachments, (subject, subject_id))
    return [attachment(row) for row in rows or ()]
