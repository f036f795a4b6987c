"""Messages that must act once: the ids of signed messages from outside, kept while they could be sent again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, Text, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base
from domain.kernel.uow import UnitOfWork

KEPT = timedelta(minutes=15)


class SeenNonce(Base):
    """A message's id, taken in the unit of work that acts on the message. ``source``: whose ids they are."""

    __tablename__ = "seen_nonce"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    nonce: Mapped[str] = mapped_column(Text, primary_key=True)
    seen_at: Mapped[datetime]

    __table_args__ = (Index("ix_seen_nonce_seen_at", "seen_at"),)


async def take_once(uow: UnitOfWork, *, source: str, nonce: str) -> bool:
    """Take ``nonce``; False when it has been taken before. Of two at once the second waits for the first's commit."""
    row = {"source": source, "nonce": nonce, "seen_at": uow.now}
    taken = await uow.session.execute(insert(SeenNonce).values(row).on_conflict_do_nothing().returning(SeenNonce.nonce))
    return taken.first() is not None


async def forget_nonces(uow: UnitOfWork, *, limit: int) -> int:
    """Delete ids of messages that are too old to be accepted again."""
    key = (SeenNonce.source, SeenNonce.nonce)
    old = select(*key).where(SeenNonce.seen_at < uow.now - KEPT).limit(limit).with_for_update(skip_locked=True)
    gone = await uow.session.execute(
        delete(SeenNonce)
        .where(tuple_(*key).in_(old))
        .returning(SeenNonce.nonce)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
