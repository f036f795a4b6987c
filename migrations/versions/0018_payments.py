"""Orders, attempts to pay them, notices of vendors and refunds, with the states each may go through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.machines import machine
from migrations.security import allow, tenant

revision = "0018"
down_revision = "0017"

TENANT = {
    # table: (extra reach of row-level security, rights of the application)
    "payment_order": ({"home": "home_id"}, "select, insert, update"),
    "payment_order_line": ({"home": "home_id"}, "select, insert, update"),
    "payment_attempt": ({"home": "home_id"}, "select, insert, update"),
    "payment_notice": ({"home": "home_id"}, "select, insert"),
    "refund": ({"home": "home_id"}, "select, insert, update"),
}

# What each state may become, and what then no longer changes, as domain/community/payments/rules.py says.
MACHINES = {
    "payment_order": (
        "home_id account_id amount_fen opened_at expires_at",
        {"open": ("", "paid closed"), "closed": ("", "paid"), "paid": ("paid_at closed_at closed_because", "")},
    ),
    "payment_attempt": (
        "home_id order_id out_trade_no vendor channel app_id seller_id amount_fen created_at expires_at",
        {
            "created": ("", "open closing closed refused paid"),
            "open": ("", "closing closed paid"),
            "closing": ("", "closed paid"),
            "closed": ("", "paid"),
            "refused": ("", "paid"),
            "paid": ("transaction_id paid_at credited", ""),
        },
    ),
    "charge": (
        "home_id subject subject_id opened_at",
        {
            "open": ("", "held paid void"),
            "held": ("amount_fen", "open paid"),
            "paid": ("amount_fen paid_at", ""),
            "void": ("amount_fen", ""),
        },
    ),
    "refund": (
        "home_id attempt_id charge_id out_refund_no amount_fen reason asked_at asked_by",
        {
            "asked": ("", "sent done failed"),
            "sent": ("", "asked done failed"),
            "failed": ("", "done"),
            "done": ("done_at vendor_refund_id", ""),
        },
    ),
}


def upgrade() -> None:
    op.create_table(
        "payment_order",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_because", sa.Text(), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'paid') = (paid_at is not null)", name=op.f("ck_payment_order_paid")),
        sa.CheckConstraint("closed_because in ('cancelled','expired')", name=op.f("ck_payment_order_because")),
        sa.CheckConstraint("state <> 'closed' or closed_at is not null", name=op.f("ck_payment_order_closed")),
        sa.CheckConstraint("state <> 'open' or closed_at is null", name=op.f("ck_payment_order_open")),
        sa.CheckConstraint("state in ('open','paid','closed')", name=op.f("ck_payment_order_state")),
        sa.CheckConstraint(
            "(closed_at is null) = (closed_because is null)", name=op.f("ck_payment_order_closed_because")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_order_amount")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_payment_order_account_id_account")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_payment_order_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_order")),
    )
    op.create_index("ix_payment_order_compound_id", "payment_order", ["compound_id", "id"], unique=False)
    op.create_index("ix_payment_order_home_id", "payment_order", ["home_id", "id"], unique=False)
    op.create_index(
        "ix_payment_order_open",
        "payment_order",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "payment_attempt",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("out_trade_no", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="created", nullable=False),
        sa.Column("launch", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused_because", sa.Text(), nullable=True),
        sa.Column("transaction_id", sa.Text(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("credited", sa.Boolean(), nullable=True),
        sa.Column("refunding_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reconciled_on", sa.Date(), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'paid') = (credited is not null)", name=op.f("ck_payment_attempt_credited")),
        sa.CheckConstraint("(state = 'paid') = (paid_at is not null)", name=op.f("ck_payment_attempt_paid")),
        sa.CheckConstraint(
            "(state = 'paid') = (transaction_id is not null)", name=op.f("ck_payment_attempt_transaction")
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (refused_because is not null)", name=op.f("ck_payment_attempt_refused")
        ),
        sa.CheckConstraint("out_trade_no ~ '^[0-9A-Za-z_]{6,32}$'", name=op.f("ck_payment_attempt_out_trade_no")),
        sa.CheckConstraint("starts_with(channel, vendor || '_')", name=op.f("ck_payment_attempt_channel")),
        sa.CheckConstraint("state <> 'open' or launch is not null", name=op.f("ck_payment_attempt_open")),
        sa.CheckConstraint(
            "state = 'paid' or refunding_fen + refunded_fen = 0", name=op.f("ck_payment_attempt_refunds_of_paid")
        ),
        sa.CheckConstraint(
            "state in ('created','open','closing','closed','refused','paid')", name=op.f("ck_payment_attempt_state")
        ),
        sa.CheckConstraint(
            "state not in ('created','open','closing') or check_at is not null", name=op.f("ck_payment_attempt_checked")
        ),
        sa.CheckConstraint("vendor in ('wechat','alipay')", name=op.f("ck_payment_attempt_vendor")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_attempt_amount")),
        sa.CheckConstraint(
            "refunding_fen + refunded_fen <= amount_fen", name=op.f("ck_payment_attempt_refunds_within")
        ),
        sa.CheckConstraint(
            "refunding_fen >= 0 and refunded_fen >= 0", name=op.f("ck_payment_attempt_refunds_positive")
        ),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_payment_attempt_home_id_home")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["payment_order.id"], name=op.f("fk_payment_attempt_order_id_payment_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_attempt")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_payment_attempt_out_trade_no")),
        sa.UniqueConstraint("vendor", "transaction_id", name=op.f("uq_payment_attempt_vendor_transaction_id")),
    )
    op.create_index(
        "ix_payment_attempt_check_at",
        "payment_attempt",
        ["check_at"],
        unique=False,
        postgresql_where=sa.text("check_at is not null"),
    )
    op.create_index("ix_payment_attempt_order_id", "payment_attempt", ["order_id", "id"], unique=False)
    op.create_index(
        "ix_payment_attempt_paid",
        "payment_attempt",
        ["vendor", "paid_at"],
        unique=False,
        postgresql_where=sa.text("state = 'paid'"),
    )
    op.create_index(
        "uq_payment_attempt_credited",
        "payment_attempt",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("credited"),
    )
    op.create_index(
        "uq_payment_attempt_live",
        "payment_attempt",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state in ('created','open')"),
    )
    op.create_table(
        "payment_order_line",
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("charge_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_order_line_amount")),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("fk_payment_order_line_charge_id_charge")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_payment_order_line_home_id_home")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["payment_order.id"], name=op.f("fk_payment_order_line_order_id_payment_order")
        ),
        sa.PrimaryKeyConstraint("order_id", "charge_id", name=op.f("pk_payment_order_line")),
    )
    op.create_index(
        "uq_payment_order_line_live", "payment_order_line", ["charge_id"], unique=True, postgresql_where=sa.text("live")
    )
    op.create_table(
        "payment_notice",
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempt.id"], name=op.f("fk_payment_notice_attempt_id_payment_attempt")
        ),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_payment_notice_home_id_home")),
        sa.PrimaryKeyConstraint("vendor", "notice_id", name=op.f("pk_payment_notice")),
    )
    op.create_index("ix_payment_notice_attempt_id", "payment_notice", ["attempt_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("charge_id", sa.Integer(), nullable=True),
        sa.Column("out_refund_no", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("vendor_refund_id", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_because", sa.Text(), nullable=True),
        sa.Column("reconciled_on", sa.Date(), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'done') = (done_at is not null)", name=op.f("ck_refund_done")),
        sa.CheckConstraint("out_refund_no ~ '^[0-9A-Za-z_]{6,32}$'", name=op.f("ck_refund_out_refund_no")),
        sa.CheckConstraint("state <> 'failed' or failed_because is not null", name=op.f("ck_refund_failed")),
        sa.CheckConstraint("state in ('asked','sent','done','failed')", name=op.f("ck_refund_state")),
        sa.CheckConstraint("state not in ('asked','sent') or check_at is not null", name=op.f("ck_refund_checked")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refund_amount")),
        sa.ForeignKeyConstraint(["asked_by"], ["account.id"], name=op.f("fk_refund_asked_by_account")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempt.id"], name=op.f("fk_refund_attempt_id_payment_attempt")
        ),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("fk_refund_charge_id_charge")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_refund_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("out_refund_no", name=op.f("uq_refund_out_refund_no")),
    )
    op.create_index("ix_refund_attempt_id", "refund", ["attempt_id"], unique=False)
    op.create_index("ix_refund_charge_id", "refund", ["charge_id"], unique=False)
    op.create_index(
        "ix_refund_check_at", "refund", ["check_at"], unique=False, postgresql_where=sa.text("check_at is not null")
    )
    op.create_index("ix_refund_compound_id", "refund", ["compound_id", "id"], unique=False)
    op.create_index("ix_refund_home_id", "refund", ["home_id", "id"], unique=False)
    op.add_column("ledger_entry", sa.Column("attempt_id", sa.Integer(), nullable=True))
    op.add_column("ledger_entry", sa.Column("refund_id", sa.Integer(), nullable=True))
    op.create_index(
        "uq_ledger_entry_refunded",
        "ledger_entry",
        ["refund_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'refunded'"),
    )
    op.create_index(
        "uq_ledger_entry_surplus",
        "ledger_entry",
        ["attempt_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'unallocated'"),
    )
    op.create_foreign_key(op.f("fk_ledger_entry_refund_id_refund"), "ledger_entry", "refund", ["refund_id"], ["id"])
    op.create_foreign_key(
        op.f("fk_ledger_entry_attempt_id_payment_attempt"), "ledger_entry", "payment_attempt", ["attempt_id"], ["id"]
    )
    for table, (reach, rights) in TENANT.items():
        tenant(table, **reach)
        allow(table, rights)
        allow(table, "select", "zhian_auditor")
    op.execute("grant usage on all sequences in schema public to zhian_app")
    op.execute("""
        create function zhian_refuse_change() returns trigger language plpgsql as $$
        begin
          raise exception 'a % in state % does not change so', tg_table_name, old.state using errcode = '23514';
        end $$
    """)
    op.execute("revoke execute on function zhian_refuse_change() from public")
    for table, (always, states) in MACHINES.items():
        machine(table, always, states)
