"""What homes owe, and the ledger of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow, tenant

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "charge",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunding_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'paid') = (paid_at is not null)", name=op.f("ck_charge_paid")),
        sa.CheckConstraint(
            "state = 'paid' or refunding_fen + refunded_fen = 0", name=op.f("ck_charge_refunds_of_paid")
        ),
        sa.CheckConstraint("state in ('open','held','paid','void')", name=op.f("ck_charge_state")),
        sa.CheckConstraint("subject in ('bill','repair','booking')", name=op.f("ck_charge_subject")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_charge_amount")),
        sa.CheckConstraint("refunding_fen + refunded_fen <= amount_fen", name=op.f("ck_charge_refunds_within")),
        sa.CheckConstraint("refunding_fen >= 0 and refunded_fen >= 0", name=op.f("ck_charge_refunds_positive")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_charge_compound_id_area")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_charge_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge")),
    )
    op.create_index("ix_charge_compound_id", "charge", ["compound_id", "id"], unique=False)
    op.create_index("ix_charge_home_id", "charge", ["home_id", "id"], unique=False)
    op.create_index(
        "uq_charge_live", "charge", ["subject", "subject_id"], unique=True, postgresql_where=sa.text("state <> 'void'")
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("charge_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "credit in ('receivable', 'income', 'clearing_wechat', 'clearing_alipay', 'refunds', 'unallocated', 'prepaid')",
            name=op.f("ck_ledger_entry_credit"),
        ),
        sa.CheckConstraint(
            "debit in ('receivable', 'income', 'clearing_wechat', 'clearing_alipay', 'refunds', 'unallocated', 'prepaid')",
            name=op.f("ck_ledger_entry_debit"),
        ),
        sa.CheckConstraint(
            "kind in ('opened','reduced','paid','unallocated','refunded')", name=op.f("ck_ledger_entry_kind")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_ledger_entry_amount")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_ledger_entry_between_two")),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("fk_ledger_entry_charge_id_charge")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_ledger_entry_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
    )
    op.create_index("ix_ledger_entry_charge_id", "ledger_entry", ["charge_id"], unique=False)
    op.create_index("ix_ledger_entry_home_id", "ledger_entry", ["home_id", "id"], unique=False)
    op.create_index(
        "uq_ledger_entry_paid", "ledger_entry", ["charge_id"], unique=True, postgresql_where=sa.text("kind = 'paid'")
    )
    for table, rights in (("charge", "select, insert, update"), ("ledger_entry", "select, insert")):
        tenant(table, home="home_id")
        allow(table, rights)
        allow(table, "select", "zhian_auditor")
    op.execute("grant usage on all sequences in schema public to zhian_app")
