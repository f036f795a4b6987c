"""Tables of identity: data keys, accounts, one-time codes, sign-in sessions, households and role grants."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base, InCompound


class DataKey(Base):
    """A key that seals what belongs to one area: a compound's id, or 0 for what belongs to no compound.

    ``wrapped``: the key, encrypted by the wrapping key named ``kek``, which is never in the database; null once it was
    erased, and what it sealed stays shut. ``retired_at``: a newer version seals from then on, this one still opens.
    """

    __tablename__ = "data_key"

    area_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    kek: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    retired_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("(wrapped is null) = (erased_at is not null)", name="erased"),
        CheckConstraint("version between 1 and 65535", name="version"),
    )


class Account(Base):
    """A person who signs in by phone.

    The phone is sealed (AES-256-GCM); ``phone_index`` is its keyed blind index, for equality look-up only.
    ``token_version`` rises to end every token of the account at once.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    phone_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    phone_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text, server_default="zh-CN")
    token_version: Mapped[int] = mapped_column(Integer, server_default="1")
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class SignInCode(Base):
    """A one-time code sent to a phone: an HMAC at rest, few attempts, short life. One is open per phone and purpose."""

    __tablename__ = "sign_in_code"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    phone_index: Mapped[bytes] = mapped_column(LargeBinary)
    purpose: Mapped[str] = mapped_column(Text, server_default="sign_in")
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("purpose in ('sign_in','change_from','change_to','move_to')", name="purpose"),
        Index("uq_sign_in_code_open", "phone_index", "purpose", unique=True, postgresql_where=text("used_at is null")),
        Index("ix_sign_in_code_expires_at", "expires_at"),
    )


class RateLimit(Base):
    """How much of an allowance is used up: the instant at which it would be full again (GCRA, one row per subject).

    ``subject`` is keyed (a blind index), never a phone or an address in clear. Rows with ``full_at`` in the past mean
    nothing and may be deleted.
    """

    __tablename__ = "rate_limit"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    full_at: Mapped[datetime]

    __table_args__ = (Index("ix_rate_limit_full_at", "full_at"),)


class Session(Base):
    """One sign-in on one device of the person; refresh tokens of a session form one chain."""

    __tablename__ = "session"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    client: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_session_account_id", "account_id"),)


class RefreshToken(Base):
    """One link of a session's chain: the sha256 of the token, and when it was traded for its successor.

    A traded token presented again ends the session, except the immediate predecessor within the grace period, which
    gets the same successor (``successor_sealed``).
    """

    __tablename__ = "refresh_token"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("session.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]
    traded_at: Mapped[datetime | None]
    successor_id: Mapped[int | None] = mapped_column(BigInteger)
    successor_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (Index("ix_refresh_token_session_id", "session_id"),)


class Household(InCompound, Base):
    """A resident belongs to a home. ``trust``: "phone" (said so by the phone's holder) or "office" (verified)."""

    __tablename__ = "household"
    over = "ended_at"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("home.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    role: Mapped[str] = mapped_column(Text)
    trust: Mapped[str] = mapped_column(Text, server_default="phone")
    lives_alone: Mapped[bool] = mapped_column(server_default=text("false"))
    disabled_person: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("role in ('owner','tenant','member')", name="role"),
        CheckConstraint("trust in ('phone','office')", name="trust"),
        Index("ix_household_account_id", "account_id"),
        Index(
            "uq_household_open",
            "home_id",
            "account_id",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
    )


class RoleGrant(Base):
    """A role held over an area, from when it was granted until it is revoked."""

    __tablename__ = "role_grant"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    role: Mapped[str] = mapped_column(Text)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    level: Mapped[str] = mapped_column(Text)
    county_id: Mapped[int] = mapped_column(Integer)
    town_id: Mapped[int | None] = mapped_column(Integer)
    community_id: Mapped[int | None] = mapped_column(Integer)
    compound_id: Mapped[int | None] = mapped_column(Integer)
    granted_by: Mapped[int | None] = mapped_column(Integer)
    granted_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    revoked_by: Mapped[int | None] = mapped_column(Integer)
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "role in ('service_worker','property_staff','property_manager','community_police','town_operator',"
            "'county_operator')",
            name="role",
        ),
        Index("ix_role_grant_account_id", "account_id"),
        Index(
            "uq_role_grant_open",
            "account_id",
            "role",
            "area_id",
            unique=True,
            postgresql_where=text("revoked_at is null"),
        ),
    )


class SentMessage(Base):
    """What the local SMS and push adapters "sent": an outbox for demos, tests and sites without a provider.

    The body is sealed: it holds one-time codes.
    """

    __tablename__ = "sent_message"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    channel: Mapped[str] = mapped_column(Text)
    address_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    body_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    key: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
