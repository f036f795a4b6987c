"""Trusted documents: texts of GraphQL operations by their SHA-256."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "trusted_document",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("operations", sa.Text(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("sha256 = sha256(convert_to(text, 'UTF8'))", name=op.f("ck_trusted_document_sha256")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_trusted_document")),
    )
    op.create_index("ix_trusted_document_revision", "trusted_document", ["revision"])
    allow("trusted_document", "select, insert, update")
