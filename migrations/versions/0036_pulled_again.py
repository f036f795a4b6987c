"""Suppliers' bills that change: what was named last, since when one is not listed, and what a person must look at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

CHECKS = {
    "bill": ("state", "state in ('issued','settled','replaced','written_off','withdrawn')"),
    "reconciliation_item": ("vendor", "vendor in ('wechat','alipay','supplier')"),
}


def upgrade() -> None:
    op.add_column("bill", sa.Column("said_fen", sa.BigInteger(), nullable=True))
    op.add_column("bill", sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True))
    for table, (name, condition) in CHECKS.items():
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
