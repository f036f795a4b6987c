"""Tables of authenticators and recovery codes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base


class Authenticator(Base):
    """An account's authenticator app: at most one, in use once it was confirmed.

    ``secret_sealed``: 160 random bits. ``last_step``: the newest 30 second step whose code was taken; no code of it or
    of an earlier one is taken again. ``failures``: wrong codes since the last right one.
    """

    __tablename__ = "authenticator"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True, autoincrement=False)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, server_default="0")
    failures: Mapped[int] = mapped_column(Integer, server_default="0")

    __table_args__ = (Index("ix_authenticator_pending", "created_at", postgresql_where=text("confirmed_at is null")),)


class RecoveryCode(Base):
    """A code that stands in for the authenticator once: a keyed hash, deleted when it is used."""

    __tablename__ = "recovery_code"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (UniqueConstraint("account_id", "code_hash"),)


class EnrolmentCode(Base):
    """What lets an official without an authenticator put one to use: a code that somebody above them was shown, or the
    sign-in by which they took their earlier one away. At most one for an account; deleted when it is used.

    ``code_hash``: a keyed hash. ``session_id``: of that sign-in. ``tries``: wrong codes.
    """

    __tablename__ = "enrolment_code"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True, autoincrement=False)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    session_id: Mapped[int | None] = mapped_column(BigInteger)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    expires_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("(code_hash is null) <> (session_id is null)", name="by"),
        Index("ix_enrolment_code_expires_at", "expires_at"),
    )
