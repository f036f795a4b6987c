"""What auto-pay will take, of which homes are told before, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.machines import machine
from migrations.security import allow, tenant

revision = "0035"
down_revision = "0034"

# What each state may become, and what then no longer changes, as domain/community/payments/autopay/rules.py says.
ALWAYS = "home_id autopay_id charge_id"
STATES = {
    "planned": ("", "trying settled skipped failed"),
    "trying": ("amount_fen", "planned paid settled skipped failed"),
    "paid": ("amount_fen order_id", ""),
    "settled": ("amount_fen", ""),
    "skipped": ("amount_fen", ""),
    "failed": ("amount_fen", ""),
}


def upgrade() -> None:
    op.create_table(
        "autopay_plan",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("autopay_id", sa.Integer(), nullable=False),
        sa.Column("charge_id", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("take_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="planned", nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_autopay_plan_amount")),
        sa.CheckConstraint(
            "state in ('planned','trying','paid','settled','skipped','failed')", name=op.f("ck_autopay_plan_state")
        ),
        sa.CheckConstraint(
            "state not in ('trying','paid') or order_id is not null", name=op.f("ck_autopay_plan_order")
        ),
        sa.CheckConstraint("state <> 'failed' or why is not null", name=op.f("ck_autopay_plan_failed")),
        sa.CheckConstraint(
            "why in ('over_limit','over_month','raised','declined','unheard')", name=op.f("ck_autopay_plan_why")
        ),
        sa.ForeignKeyConstraint(["autopay_id"], ["autopay.id"], name=op.f("fk_autopay_plan_autopay_id_autopay")),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("fk_autopay_plan_charge_id_charge")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_autopay_plan_home_id_home")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["payment_order.id"], name=op.f("fk_autopay_plan_order_id_payment_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_autopay_plan")),
        sa.UniqueConstraint("autopay_id", "charge_id", name=op.f("uq_autopay_plan_autopay_id_charge_id")),
    )
    op.create_index("ix_autopay_plan_home_id", "autopay_plan", ["home_id", "id"])
    op.create_index("ix_autopay_plan_charge_id", "autopay_plan", ["charge_id"])
    op.create_index(
        "ix_autopay_plan_take_at", "autopay_plan", ["take_at"], postgresql_where=sa.text("state = 'planned'")
    )
    op.create_index(
        "ix_autopay_plan_order_id", "autopay_plan", ["order_id"], postgresql_where=sa.text("order_id is not null")
    )
    tenant("autopay_plan", home="home_id")
    allow("autopay_plan", "select, insert, update")
    allow("autopay_plan", "select", "zhian_auditor")
    op.execute("grant usage on all sequences in schema public to zhian_app")
    machine("autopay_plan", ALWAYS, STATES)
