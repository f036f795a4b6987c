"""Markets, their prices and index values, and alerts on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow, tenant

revision = "0022"
down_revision = "0021"

# What is fetched is of no place: everybody signed in reads it, and what acts for whole counties writes it.
SIGNED_IN = "compound_id is null and coalesce(current_setting('app.account', true), '') <> ''"
EVERYWHERE = "compound_id is null and coalesce(current_setting('app.counties', true), '') <> ''"


def upgrade() -> None:
    op.create_table(
        "market",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=True),
        sa.Column("town_id", sa.Integer(), nullable=True),
        sa.Column("community_id", sa.Integer(), nullable=True),
        sa.Column("compound_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("latest_on", sa.Date(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed", sa.Text(), nullable=True),
        sa.CheckConstraint("(compound_id is null) = (source <> 'office')", name=op.f("ck_market_place")),
        sa.CheckConstraint("(compound_id is null) = (county_id is null)", name=op.f("ck_market_areas")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_market_compound_id_area")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market")),
    )
    op.create_index(
        "uq_market_source", "market", ["source"], unique=True, postgresql_where=sa.text("compound_id is null")
    )
    op.create_index(
        "uq_market_compound_id",
        "market",
        ["compound_id"],
        unique=True,
        postgresql_where=sa.text("compound_id is not null"),
    )
    prices()
    op.create_table(
        "price_index",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hundredths", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"], name=op.f("fk_price_index_market_id_market")),
        sa.PrimaryKeyConstraint("market_id", "on_day", "name", name=op.f("pk_price_index")),
    )
    op.create_table(
        "price_alert",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("below_fen", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_on", sa.Date(), nullable=True),
        sa.CheckConstraint("below_fen > 0", name=op.f("ck_price_alert_below")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_price_alert_account_id_account")),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"], name=op.f("fk_price_alert_market_id_market")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_alert")),
        sa.UniqueConstraint("account_id", "market_id", "name", name=op.f("uq_price_alert_account_id_market_id_name")),
    )
    op.create_index("ix_price_alert_market_id", "price_alert", ["market_id", "name"])
    for table, rights in (("market", "select, insert, update"), ("price", "select, insert, update, delete")):
        tenant(table, neighbours=True)
        op.execute(f"create policy published on {table} for select using ({SIGNED_IN})")
        op.execute(f"create policy fetched on {table} using ({EVERYWHERE})")
        allow(table, rights)
        allow(table, "select", "zhian_auditor")
    allow("price_index", "select, insert, update")
    allow("price_alert", "select, insert, update, delete")
    op.execute("grant usage on all sequences in schema public to zhian_app")


def prices() -> None:
    """The table of prices."""
    op.create_table(
        "price",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=True),
        sa.Column("town_id", sa.Integer(), nullable=True),
        sa.Column("community_id", sa.Integer(), nullable=True),
        sa.Column("compound_id", sa.Integer(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("low_fen", sa.Integer(), nullable=True),
        sa.Column("average_fen", sa.Integer(), nullable=False),
        sa.Column("high_fen", sa.Integer(), nullable=True),
        sa.Column("jin_fen", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "category in ('vegetable','fruit','grain_oil','meat_egg','aquatic','soy','seasoning','other')",
            name=op.f("ck_price_category"),
        ),
        sa.CheckConstraint("average_fen > 0", name=op.f("ck_price_average")),
        sa.CheckConstraint("low_fen <= high_fen", name=op.f("ck_price_range")),
        sa.CheckConstraint("(compound_id is null) = (county_id is null)", name=op.f("ck_price_areas")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_price_account_id_account")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_price_compound_id_area")),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"], name=op.f("fk_price_market_id_market")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price")),
        sa.UniqueConstraint("market_id", "external_id", name=op.f("uq_price_market_id_external_id")),
    )
    op.create_index("ix_price_market_id", "price", ["market_id", "on_day", "id"])
    op.create_index("ix_price_name", "price", ["name", "on_day"])
    op.create_index("ix_price_on_day", "price", [sa.literal_column("on_day desc"), sa.literal_column("id desc")])
