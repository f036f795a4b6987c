"""What a gateway reports of notifications, and the ids of signed messages, each taken once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    for column in ("arrived_at", "failed_at"):
        op.add_column("notification", sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "seen_nonce",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "nonce", name=op.f("pk_seen_nonce")),
    )
    op.create_index("ix_seen_nonce_seen_at", "seen_nonce", ["seen_at"])
    allow("seen_nonce", "select, insert, update, delete")
