"""A refund that failed: asked for again, replaced by another, or paid back by the office's own hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.machines import machine

revision = "0029"
down_revision = "0028"

ACCOUNTS = "'receivable', 'income', 'clearing_wechat', 'clearing_alipay', 'refunds', 'unallocated', 'prepaid', 'office'"
CHECKS = {
    "refund": {
        "state": "state in ('asked','sent','done','failed','replaced','by_hand')",
        "done": "(state in ('done','by_hand')) = (done_at is not null)",
        "failed": "state not in ('failed','replaced') or failed_because is not null",
    },
    "ledger_entry": {"debit": f"debit in ({ACCOUNTS})", "credit": f"credit in ({ACCOUNTS})"},
}

# What each state may become, and what then no longer changes, as domain/community/payments/rules.py says.
ALWAYS = "home_id attempt_id charge_id out_refund_no amount_fen reason asked_at asked_by replaces_id"
STATES = {
    "asked": ("", "sent done failed"),
    "sent": ("", "asked done failed"),
    "failed": ("", "asked sent done replaced by_hand"),
    "done": ("done_at vendor_refund_id", ""),
    "replaced": ("failed_because vendor_refund_id", ""),
    "by_hand": ("done_at note settled_by vendor_refund_id", ""),
}


def upgrade() -> None:
    op.add_column("refund", sa.Column("replaces_id", sa.Integer(), nullable=True))
    op.add_column("refund", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("refund", sa.Column("settled_by", sa.Integer(), nullable=True))
    op.create_unique_constraint(op.f("uq_refund_replaces_id"), "refund", ["replaces_id"])
    op.create_foreign_key(op.f("fk_refund_replaces_id_refund"), "refund", "refund", ["replaces_id"], ["id"])
    op.create_foreign_key(op.f("fk_refund_settled_by_account"), "refund", "account", ["settled_by"], ["id"])
    for table, checks in CHECKS.items():
        for name, condition in checks.items():
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    op.create_check_constraint(op.f("ck_refund_by_hand"), "refund", "(state = 'by_hand') = (note is not null)")
    op.create_index(
        "ix_reconciliation_item_failed",
        "reconciliation_item",
        ["out_refund_no"],
        postgresql_where=sa.text("kind = 'refund_failed' and state = 'open'"),
    )
    op.execute("drop trigger machine on refund")
    machine("refund", ALWAYS, STATES)
