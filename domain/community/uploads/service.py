"""Commands on uploads: take one in, and attach some to the thing they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from domain.community.uploads.errors import TooManyPictures
from domain.community.uploads.models import Attachment, Upload
from domain.community.uploads.rules import ATTACHED_KEPT, MOST_AT_ONCE, UNUSED_KEPT, UPLOAD_PER_ACCOUNT, Subject
from domain.identity.allowances import spend
from domain.identity.ports import Vault
from domain.kernel.errors import NotFound
from domain.kernel.pictures import StoredPicture
from domain.kernel.uow import AnyRow, UnitOfWork


async def begin_upload(uow: UnitOfWork, *, vault: Vault) -> None:
    """Use one of the actor's tries, before anything is read or decoded. Raises Limited."""
    await spend(uow, UPLOAD_PER_ACCOUNT, vault.index("rate_limit.account", str(uow.actor.account_id)))


async def keep_upload(uow: UnitOfWork, *, picture: StoredPicture) -> AnyRow:
    """Put a picture that is on disk down to the actor; its row. It is gone in a day unless it is attached."""
    row = {
        "account_id": uow.actor.account_id,
        "sha256": picture.sha256,
        "width": picture.width,
        "height": picture.height,
        "size": picture.size,
        "created_at": uow.now,
        "expires_at": uow.now + UNUSED_KEPT,
    }
    return (await uow.session.execute(insert(Upload).values(row).returning(*Upload.__table__.columns))).one()


async def attach(
    uow: UnitOfWork,
    *,
    upload_ids: Sequence[int],
    subject: Subject,
    subject_id: int,
    where: Any,
    home_id: int | None,
    label: str = "",
) -> list[int]:
    """Attach the actor's own uploads to a thing, in their order; the attachments' ids. An upload is attached once.

    where: anything with the four area columns of the thing. home_id: the home whose residents see it. label: a word of
    the slice. Who may attach to the thing, and how many in all, is the calling slice's matter. Raises NotFound for
    uploads that are not the actor's, were attached before or are too old, TooManyPictures.
    """
    wanted = list(dict.fromkeys(upload_ids))
    if not wanted:
        return []
    if len(wanted) > MOST_AT_ONCE:
        raise TooManyPictures(field="uploads", most=MOST_AT_ONCE)
    taken = await uow.session.execute(
        delete(Upload)
        .where(Upload.id.in_(wanted), Upload.account_id == uow.actor.account_id, Upload.expires_at > uow.now)
        .returning(Upload.id, Upload.sha256, Upload.width, Upload.height, Upload.size)
        .execution_options(synchronize_session=False)
    )
    found = {row.id: row for row in taken}
    if len(found) != len(wanted):
        raise NotFound(field="uploads")
    common = {
        **{name: getattr(where, name) for name in ("county_id", "town_id", "community_id", "compound_id")},
        "home_id": home_id,
        "account_id": uow.actor.account_id,
        "subject": str(subject),
        "subject_id": subject_id,
        "label": label,
        "attached_at": uow.now,
        "expires_at": uow.now + ATTACHED_KEPT,
    }
    rows = [
        common | {name: getattr(found[each], name) for name in ("sha256", "width", "height", "size")} for each in wanted
    ]
    added = await uow.session.execute(insert(Attachment).returning(Attachment.id, sort_by_parameter_order=True), rows)
    return list(added.scalars())
