"""The outbox: what happened, written with the change itself; delivered later by the relay, at least once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Something that happened, named in the past tense. Fields are JSON values."""

    name: ClassVar[str]

    def payload(self) -> dict[str, Any]:
        """The event as a JSON object."""
        return asdict(self)


class OutboxEvent(Base):
    """One thing that happened and who must still be told.

    state: pending -> done | dead. A lease marks a row in work; when it passes, the sweeper hands it out again.
    """

    __tablename__ = "outbox_event"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(Text)
    compound_id: Mapped[int | None] = mapped_column(Integer)
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text, server_default="pending")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_outbox_event_due", "due_at", "id", postgresql_where=text("state = 'pending'")),
        Index("ix_outbox_event_dead", "id", postgresql_where=text("state = 'dead'")),
    )


class Handled(Base):
    """A handler has done its work for an event. Inserted in the handler's own unit of work: twice = once."""

    __tablename__ = "handled"

    event_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("outbox_event.id", ondelete="CASCADE"), primary_key=True
    )
    handler: Mapped[str] = mapped_column(Text, primary_key=True)
    handled_at: Mapped[datetime]
