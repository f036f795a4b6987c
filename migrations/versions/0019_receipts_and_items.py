"""Receipts, requests for invoices, and what a person must look at about money."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow, tenant

revision = "0019"
down_revision = "0018"

TENANT = {
    # table: (extra reach of row-level security, rights of the application)
    "receipt_counter": ({}, "select, insert, update"),
    "receipt": ({"home": "home_id"}, "select, insert"),
    "invoice_request": ({"home": "home_id"}, "select, insert, update"),
    "reconciliation_item": ({}, "select, insert, update"),
}


def upgrade() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("foreign_lines", sa.Integer(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("vendor in ('wechat','alipay')", name=op.f("ck_reconciliation_vendor")),
        sa.PrimaryKeyConstraint("vendor", "day", name=op.f("pk_reconciliation")),
    )
    op.create_table(
        "receipt_counter",
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_receipt_counter_compound_id_area")),
        sa.PrimaryKeyConstraint("compound_id", name=op.f("pk_receipt_counter")),
    )
    op.create_table(
        "reconciliation_item",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("out_trade_no", sa.Text(), nullable=False),
        sa.Column("out_refund_no", sa.Text(), server_default="", nullable=False),
        sa.Column("transaction_id", sa.Text(), server_default="", nullable=False),
        sa.Column("ours_fen", sa.BigInteger(), nullable=True),
        sa.Column("theirs_fen", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'settled') = (settled_at is not null)", name=op.f("ck_reconciliation_item_settled")
        ),
        sa.CheckConstraint("state in ('open','settled')", name=op.f("ck_reconciliation_item_state")),
        sa.CheckConstraint("vendor in ('wechat','alipay')", name=op.f("ck_reconciliation_item_vendor")),
        sa.ForeignKeyConstraint(["settled_by"], ["account.id"], name=op.f("fk_reconciliation_item_settled_by_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_item")),
        sa.UniqueConstraint(
            "vendor",
            "day",
            "kind",
            "out_trade_no",
            "out_refund_no",
            "transaction_id",
            name=op.f("uq_reconciliation_item_vendor_day_kind_out_trade_no_out_refund_no_transaction_id"),
        ),
    )
    op.create_index("ix_reconciliation_item_compound_id", "reconciliation_item", ["compound_id", "id"], unique=False)
    op.create_table(
        "receipt",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_receipt_amount")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_receipt_home_id_home")),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_receipt_order_id_payment_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("compound_id", "number", name=op.f("uq_receipt_compound_id_number")),
        sa.UniqueConstraint("order_id", name=op.f("uq_receipt_order_id")),
    )
    op.create_index("ix_receipt_home_id", "receipt", ["home_id", "id"], unique=False)
    op.create_table(
        "invoice_request",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("receipt_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("tax_number", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("invoice_number", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Integer(), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'asked') = (settled_at is null)", name=op.f("ck_invoice_request_settled")),
        sa.CheckConstraint("(state = 'issued') = (invoice_number is not null)", name=op.f("ck_invoice_request_issued")),
        sa.CheckConstraint("kind = 'personal' or tax_number is not null", name=op.f("ck_invoice_request_company")),
        sa.CheckConstraint("kind in ('personal','company')", name=op.f("ck_invoice_request_kind")),
        sa.CheckConstraint("state in ('asked','issued','rejected')", name=op.f("ck_invoice_request_state")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_invoice_request_account_id_account")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_invoice_request_home_id_home")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_invoice_request_receipt_id_receipt")),
        sa.ForeignKeyConstraint(["settled_by"], ["account.id"], name=op.f("fk_invoice_request_settled_by_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_request")),
    )
    op.create_index("ix_invoice_request_compound_id", "invoice_request", ["compound_id", "id"], unique=False)
    op.create_index("ix_invoice_request_home_id", "invoice_request", ["home_id", "id"], unique=False)
    op.create_index(
        "uq_invoice_request_live",
        "invoice_request",
        ["receipt_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'rejected'"),
    )
    for table, (reach, rights) in TENANT.items():
        tenant(table, **reach)
        allow(table, rights)
        allow(table, "select", "zhian_auditor")
    allow("reconciliation", "select, insert, update")
    op.execute("grant usage on all sequences in schema public to zhian_app")
