"""Trusted documents: the GraphQL texts that our own apps send, each under its SHA-256.

Writers take turns (an advisory lock), so revisions are committed in their order: whoever has read up to a revision
misses nothing below it. A text is never changed or deleted; a retired one is kept to say what it was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base
from domain.kernel.uow import AnyRow, Reader, UnitOfWork

TOPIC = "documents"
WRITERS_LOCK = 7418004


class TrustedDocument(Base):
    """One text. revision: of its last change; retired_at: since when it is refused."""

    __tablename__ = "trusted_document"

    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    operations: Mapped[str] = mapped_column(Text)
    app: Mapped[str] = mapped_column(Text)
    registered_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("sha256 = sha256(convert_to(text, 'UTF8'))", name="sha256"),
        Index("ix_trusted_document_revision", "revision"),
    )


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A text to register. operations: names of its operations, with commas, for people."""

    sha256: bytes
    text: str
    operations: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed up to ``revision``: texts that are good by their hash, and hashes that no longer are."""

    revision: int
    texts: dict[bytes, str]
    retired: frozenset[bytes]


async def register(uow: UnitOfWork, documents: Sequence[NewDocument], *, app: str) -> frozenset[bytes]:
    """Make ``documents`` good; the hashes of those that were not before. A retired one is good again.

    ``app`` says whose they are, for people; one that is good already keeps what it has.
    """
    if not documents:
        return frozenset()
    revision = await _next_revision(uow)
    columns = {"app": app, "registered_at": uow.now, "retired_at": None, "revision": revision}
    rows = {d.sha256: {"sha256": d.sha256, "text": d.text, "operations": d.operations} | columns for d in documents}
    added = insert(TrustedDocument).values(list(rows.values()))
    done = await uow.session.execute(
        added.on_conflict_do_update(
            index_elements=["sha256"],
            set_={name: added.excluded[name] for name in columns},
            where=TrustedDocument.retired_at.is_not(None),
        ).returning(TrustedDocument.sha256)
    )
    changed = frozenset(done.scalars())
    if changed:
        uow.tell(TOPIC)
        uow.record("documents.registered", "TrustedDocument", details={"app": app, "ids": _named(changed)})
    return changed


async def retire(uow: UnitOfWork, hashes: Collection[bytes]) -> frozenset[bytes]:
    """Refuse ``hashes`` from now on; those among them that were good."""
    done = await uow.session.execute(
        update(TrustedDocument)
        .where(TrustedDocument.sha256.in_(hashes), TrustedDocument.retired_at.is_(None))
        .values(retired_at=uow.now, revision=await _next_revision(uow))
        .returning(TrustedDocument.sha256)
    )
    changed = frozenset(done.scalars())
    if changed:
        uow.tell(TOPIC)
        uow.record("documents.retired", "TrustedDocument", details={"ids": _named(changed)})
    return changed


def _named(hashes: Collection[bytes]) -> list[str]:
    return sorted(digest.hex() for digest in hashes)


async def known_documents(reader: Reader) -> Sequence[AnyRow]:
    """All that were ever registered, without their texts: by app and operations."""
    columns = [column for column in TrustedDocument.__table__.columns if column.name != "text"]
    order = (TrustedDocument.app, TrustedDocument.operations, TrustedDocument.sha256)
    return await reader.rows(select(*columns, func.length(TrustedDocument.text).label("characters")).order_by(*order))


async def newest_revision(reader: Reader) -> int:
    """The revision of the last change; 0 when there was none."""
    return int(await reader.scalar(select(func.coalesce(func.max(TrustedDocument.revision), 0))))


async def changes_after(reader: Reader, revision: int) -> Changes:
    """What changed after ``revision``."""
    rows = await reader.rows(
        select(
            TrustedDocument.revision, TrustedDocument.sha256, TrustedDocument.text, TrustedDocument.retired_at
        ).where(TrustedDocument.revision > revision)
    )
    return Changes(
        revision=max((row.revision for row in rows), default=revision),
        texts={row.sha256: row.text for row in rows if row.retired_at is None},
        retired=frozenset(row.sha256 for row in rows if row.retired_at is not None),
    )


async def _next_revision(uow: UnitOfWork) -> int:
    """One more than any that is committed; nobody else gets one until this unit has ended."""
    await uow.session.execute(text(f"select pg_advisory_xact_lock({WRITERS_LOCK})"))
    newest = await uow.session.execute(select(func.coalesce(func.max(TrustedDocument.revision), 0)))
    return int(newest.scalar_one()) + 1
