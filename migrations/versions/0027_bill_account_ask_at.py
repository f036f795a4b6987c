"""When the supplier of an account is asked next, in the place of when it was asked last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.drop_index("ix_bill_account_asked_at", "bill_account")
    op.drop_column("bill_account", "asked_at")
    # Every account there is is due at once: a bill that was pulled before is known by its number.
    op.add_column(
        "bill_account", sa.Column("ask_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()"))
    )
    op.create_index(
        "ix_bill_account_ask_at", "bill_account", ["ask_at", "id"], postgresql_where=sa.text("ended_at is null")
    )
