"""Codes without which an official enrols no authenticator."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "enrolment_code",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("session_id", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(code_hash is null) <> (session_id is null)", name=op.f("ck_enrolment_code_by")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_enrolment_code_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_enrolment_code")),
    )
    op.create_index("ix_enrolment_code_expires_at", "enrolment_code", ["expires_at"])
    allow("enrolment_code", "select, insert, update, delete")
