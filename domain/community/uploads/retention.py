"""Pictures whose time has passed, forgotten in bounded batches, and which files are still needed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, union

from domain.community.uploads.models import Attachment, Upload
from domain.kernel.uow import UnitOfWork


async def forget_uploads(uow: UnitOfWork, *, limit: int) -> list[str]:
    """Delete uploads that nobody used in time; the sha256 of each (one may be named twice)."""
    return await _forget(uow, Upload, limit)


async def forget_attachments(uow: UnitOfWork, *, limit: int) -> list[str]:
    """Delete attached pictures whose time has passed, in the scope; the sha256 of each."""
    return await _forget(uow, Attachment, limit)


async def _forget(uow: UnitOfWork, table: type[Upload] | type[Attachment], limit: int) -> list[str]:
    old = select(table.id).where(table.expires_at <= uow.now).order_by(table.expires_at).limit(limit)
    gone = await uow.session.execute(
        delete(table).where(table.id.in_(old)).returning(table.sha256).execution_options(synchronize_session=False)
    )
    return list(gone.scalars())


async def needed_pictures(uow: UnitOfWork, shas: Sequence[str]) -> set[str]:
    """Which of ``shas`` an upload or an attachment still refers to, in the scope (which must be everything)."""
    used = union(
        select(Upload.sha256).where(Upload.sha256.in_(shas)),
        select(Attachment.sha256).where(Attachment.sha256.in_(shas)),
    )
    return set((await uow.session.execute(used)).scalars())
