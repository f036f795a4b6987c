"""Tables of uploads: pictures nobody has used yet, and pictures that belong to something."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class Upload(Base):
    """A picture an account has sent and not yet attached to anything; of no place, so it has no tenant columns.

    Attaching deletes the row, so it happens once; so does time, a day after it was sent.
    """

    __tablename__ = "upload"

    id: Mapped[int] = mapped_column(Integer, Identity(always=False), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    sha256: Mapped[str] = mapped_column(Text)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_upload_account_id", "account_id"),
        Index("ix_upload_expires_at", "expires_at"),
        Index("ix_upload_sha256", "sha256"),
    )


class Attachment(InCompound, Base):
    """A picture of something: of row ``subject_id`` of the slice ``subject``, in the place and home of that row.

    ``label``: a word of that slice, such as "before" or "after". ``account_id``: who sent it.
    """

    __tablename__ = "attachment"
    over = "attached_at"

    id: Mapped[int] = mapped_column(Integer, Identity(always=False), primary_key=True)
    compound_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    home_id: Mapped[int | None] = mapped_column(ForeignKey("home.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    subject: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[int] = mapped_column(BigInteger)
    label: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    size: Mapped[int] = mapped_column(Integer)
    attached_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_attachment_subject", "subject", "subject_id", "id"),
        Index("ix_attachment_expires_at", "expires_at"),
        Index("ix_attachment_sha256", "sha256"),
    )
