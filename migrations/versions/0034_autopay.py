"""Auto-pay: what residents agree with a vendor about their homes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.machines import machine
from migrations.security import allow, tenant

revision = "0034"
down_revision = "0033"

# What each state may become, and what then no longer changes, as domain/community/payments/autopay/rules.py says.
ALWAYS = "home_id account_id vendor number asked_at"
STATES = {
    "pending": ("", "active ended"),
    "active": ("signed_at", "paused ended"),
    "paused": ("signed_at", "active ended"),
    "ended": ("signed_at closed_at closed_because", ""),
}


def upgrade() -> None:
    op.create_table(
        "autopay",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=False),
        sa.Column("monthly_limit_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_because", sa.Text(), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("vendor in ('wechat','alipay')", name=op.f("ck_autopay_vendor")),
        sa.CheckConstraint("number ~ '^[0-9A-Za-z_]{6,32}$'", name=op.f("ck_autopay_number")),
        sa.CheckConstraint(
            "kinds <@ array['bill','repair','booking']::text[] and cardinality(kinds) > 0",
            name=op.f("ck_autopay_kinds"),
        ),
        sa.CheckConstraint("limit_fen > 0 and limit_fen <= monthly_limit_fen", name=op.f("ck_autopay_limits")),
        sa.CheckConstraint("state in ('pending','active','paused','ended')", name=op.f("ck_autopay_state")),
        sa.CheckConstraint(
            "state <> 'pending' or (check_at is not null and signed_at is null)", name=op.f("ck_autopay_pending")
        ),
        sa.CheckConstraint("state not in ('active','paused') or signed_at is not null", name=op.f("ck_autopay_signed")),
        sa.CheckConstraint("(state = 'ended') = (closed_at is not null)", name=op.f("ck_autopay_ended")),
        sa.CheckConstraint("(closed_at is null) = (closed_because is null)", name=op.f("ck_autopay_ended_because")),
        sa.CheckConstraint(
            "closed_because in ('resident','vendor','left','never_signed')", name=op.f("ck_autopay_because")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_autopay_account_id_account")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_autopay_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_autopay")),
        sa.UniqueConstraint("number", name=op.f("uq_autopay_number")),
    )
    op.create_index(
        "uq_autopay_live", "autopay", ["home_id"], unique=True, postgresql_where=sa.text("state <> 'ended'")
    )
    op.create_index("ix_autopay_home_id", "autopay", ["home_id", "id"])
    op.create_index("ix_autopay_check_at", "autopay", ["check_at"], postgresql_where=sa.text("check_at is not null"))
    tenant("autopay", home="home_id")
    allow("autopay", "select, insert, update")
    allow("autopay", "select", "zhian_auditor")
    op.execute("grant usage on all sequences in schema public to zhian_app")
    machine("autopay", ALWAYS, STATES)
