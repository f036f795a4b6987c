"""When the supplier of an account was last asked for its bills."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("bill_account", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_bill_account_asked_at",
        "bill_account",
        [sa.literal_column("asked_at nulls first"), "id"],
        postgresql_where=sa.text("ended_at is null"),
    )
