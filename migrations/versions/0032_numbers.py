"""Codes for more than signing in, and lost numbers that are being moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.security import allow

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("sign_in_code", sa.Column("purpose", sa.Text(), server_default="sign_in", nullable=False))
    op.create_check_constraint(
        op.f("ck_sign_in_code_purpose"),
        "sign_in_code",
        "purpose in ('sign_in','change_from','change_to','move_to')",
    )
    op.drop_index("uq_sign_in_code_open", "sign_in_code")
    op.create_index(
        "uq_sign_in_code_open",
        "sign_in_code",
        ["phone_index", "purpose"],
        unique=True,
        postgresql_where=sa.text("used_at is null"),
    )
    op.create_table(
        "number_move",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("vouchers", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("outcome in ('moved','in_use','refused','replaced')", name=op.f("ck_number_move_outcome")),
        sa.CheckConstraint("(outcome is null) = (closed_at is null)", name=op.f("ck_number_move_closed")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_number_move_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_move")),
    )
    open_moves = sa.text("closed_at is null")
    op.create_index("uq_number_move_open", "number_move", ["account_id"], unique=True, postgresql_where=open_moves)
    op.create_index("ix_number_move_phone_index", "number_move", ["phone_index"], postgresql_where=open_moves)
    op.create_index("ix_number_move_expires_at", "number_move", ["expires_at"])
    allow("number_move", "select, insert, update, delete")
    op.execute("grant usage on sequence number_move_id_seq to zhian_app")
