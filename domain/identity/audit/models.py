"""Tables of the audit log. Rows are written by ``zhian_audit_append`` alone; nobody changes or deletes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.base import Base


class AuditEntry(Base):
    """One act. ``chain``: the compound, 0 for what belongs to none; ``sequence`` counts from 1 without gaps.

    hash: SHA-256 of ``previous`` and the entry's line (``domain.kernel.acts``); previous: the hash of the entry before.
    The area columns say where; homes: whose residents it concerns. details: no personal values, but blind indexes.
    """

    __tablename__ = "audit_entry"

    chain: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    county_id: Mapped[int | None] = mapped_column(Integer)
    town_id: Mapped[int | None] = mapped_column(Integer)
    community_id: Mapped[int | None] = mapped_column(Integer)
    compound_id: Mapped[int | None] = mapped_column(Integer)
    homes: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    actor: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    account_id: Mapped[int | None] = mapped_column(Integer)
    session_id: Mapped[int | None] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(Text)
    object_type: Mapped[str] = mapped_column(Text)
    object_id: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]]
    request_id: Mapped[str] = mapped_column(Text)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("sequence > 0", name="sequence"),
        CheckConstraint("chain = coalesce(compound_id, 0)", name="chain"),
        Index("ix_audit_entry_county_id", "county_id", "at", "chain", "sequence"),
        Index("ix_audit_entry_town_id", "town_id", "at", "chain", "sequence"),
        Index("ix_audit_entry_community_id", "community_id", "at", "chain", "sequence"),
        Index("ix_audit_entry_compound_id", "compound_id", "at", "chain", "sequence"),
        Index("ix_audit_entry_account_id", "account_id", "at", "chain", "sequence"),
        Index("ix_audit_entry_homes", "homes", postgresql_using="gin"),
    )


class AuditHead(Base):
    """The end of a chain: locked by whoever appends, so that numbers have no gaps and every hash has one successor."""

    __tablename__ = "audit_head"

    chain: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditSignature(Base):
    """The end of a chain as it was signed (Ed25519) by a key outside the database: what stands before it is fixed."""

    __tablename__ = "audit_signature"

    chain: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    signed_at: Mapped[datetime]
    kid: Mapped[str] = mapped_column(Text)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
