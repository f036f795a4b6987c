"""Repairs: requests with their whole life, quotations and items, and what workers can repair."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow, tenant

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "repair_worker",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("worker_account_id", sa.Integer(), nullable=False),
        sa.Column("skills", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "skills <@ array['appliance','gas','furniture']::text[]", name=op.f("ck_repair_worker_skills")
        ),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_repair_worker_compound_id_area")),
        sa.ForeignKeyConstraint(
            ["worker_account_id"], ["account.id"], name=op.f("fk_repair_worker_worker_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_worker")),
    )
    op.create_index("uq_repair_worker_account", "repair_worker", ["compound_id", "worker_account_id"], unique=True)
    op.create_table(
        "repair_request",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("building_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("application_id", sa.Integer(), nullable=True),
        sa.Column("warranty_of_id", sa.Integer(), nullable=True),
        sa.Column("worker_account_id", sa.Integer(), nullable=True),
        sa.Column("worker_name", sa.Text(), server_default="", nullable=False),
        sa.Column("charge_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("skill", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accept_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finish_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quoted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("price_fen", sa.Integer(), nullable=True),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=True),
        sa.Column("rating", sa.Text(), server_default="", nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visit_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("satisfied", sa.Boolean(), nullable=True),
        sa.Column("visit_note", sa.Text(), server_default="", nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'done') = (done_at is not null)", name=op.f("ck_repair_request_done")),
        sa.CheckConstraint(
            "case when state = 'done' then price_fen is not null and warranty_until is not null and visit_by is not null else price_fen is null and charge_id is null and stars is null and visited_at is null end",
            name=op.f("ck_repair_request_of_done"),
        ),
        sa.CheckConstraint(
            "case when state = 'open' then worker_account_id is null and taken_at is null when state in ('cancelled','rejected') then true else worker_account_id is not null and taken_at is not null and finish_by is not null end",
            name=op.f("ck_repair_request_worker"),
        ),
        sa.CheckConstraint(
            "kind in ('refrigerator','washing_machine','air_conditioner','television','water_heater','gas_stove','other_appliance','cabinet','bed','table_or_chair','door_or_window','other_furniture')",
            name=op.f("ck_repair_request_kind"),
        ),
        sa.CheckConstraint("skill in ('appliance','gas','furniture')", name=op.f("ck_repair_request_skill")),
        sa.CheckConstraint(
            "state in ('open','assigned','quoted','agreed','in_progress','done','cancelled','rejected')",
            name=op.f("ck_repair_request_state"),
        ),
        sa.CheckConstraint("(visited_at is null) = (satisfied is null)", name=op.f("ck_repair_request_visit")),
        sa.CheckConstraint(
            "(window_from is null) = (window_to is null) and window_from < window_to",
            name=op.f("ck_repair_request_window"),
        ),
        sa.CheckConstraint("charge_id is null or price_fen > 0", name=op.f("ck_repair_request_charge")),
        sa.CheckConstraint("id <> warranty_of_id", name=op.f("ck_repair_request_warranty_of_another")),
        sa.CheckConstraint(
            "price_fen >= 0 and (warranty_of_id is null or price_fen = 0)", name=op.f("ck_repair_request_price")
        ),
        sa.CheckConstraint(
            "stars between 1 and 5 and (stars is null) = (rated_at is null)", name=op.f("ck_repair_request_stars")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_repair_request_account_id_account")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_repair_request_application_id_application")
        ),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_repair_request_building_id_building")),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("fk_repair_request_charge_id_charge")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_repair_request_compound_id_area")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_repair_request_home_id_home")),
        sa.ForeignKeyConstraint(
            ["warranty_of_id"], ["repair_request.id"], name=op.f("fk_repair_request_warranty_of_id_repair_request")
        ),
        sa.ForeignKeyConstraint(
            ["worker_account_id"], ["account.id"], name=op.f("fk_repair_request_worker_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_request")),
    )
    op.create_index(
        "ix_repair_request_compound",
        "repair_request",
        ["compound_id", sa.literal_column("submitted_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "ix_repair_request_home",
        "repair_request",
        ["home_id", sa.literal_column("submitted_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "ix_repair_request_late",
        "repair_request",
        ["id"],
        unique=False,
        postgresql_where=sa.text("overdue_at is null and state in ('open','assigned','agreed','in_progress')"),
    )
    op.create_index(
        "ix_repair_request_worker",
        "repair_request",
        ["worker_account_id", sa.literal_column("submitted_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "uq_repair_request_charge",
        "repair_request",
        ["charge_id"],
        unique=True,
        postgresql_where=sa.text("charge_id is not null"),
    )
    op.create_table(
        "repair_quotation",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("repair_id", sa.Integer(), nullable=False),
        sa.Column("worker_account_id", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="offered", nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'offered') = (answered_at is null)", name=op.f("ck_repair_quotation_answered")),
        sa.CheckConstraint(
            "state in ('offered','accepted','refused','withdrawn')", name=op.f("ck_repair_quotation_state")
        ),
        sa.CheckConstraint("total_fen >= 0", name=op.f("ck_repair_quotation_total")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_repair_quotation_home_id_home")),
        sa.ForeignKeyConstraint(
            ["repair_id"], ["repair_request.id"], name=op.f("fk_repair_quotation_repair_id_repair_request")
        ),
        sa.ForeignKeyConstraint(
            ["worker_account_id"], ["account.id"], name=op.f("fk_repair_quotation_worker_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_quotation")),
    )
    op.create_index("ix_repair_quotation_repair", "repair_quotation", ["repair_id", "id"], unique=False)
    op.create_index(
        "uq_repair_quotation_offered",
        "repair_quotation",
        ["repair_id"],
        unique=True,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_table(
        "repair_item",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("repair_id", sa.Integer(), nullable=False),
        sa.Column("quotation_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.SmallInteger(), nullable=False),
        sa.Column("unit_fen", sa.Integer(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('part','labour')", name=op.f("ck_repair_item_kind")),
        sa.CheckConstraint("quantity between 1 and 999 and unit_fen >= 0", name=op.f("ck_repair_item_amount")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_repair_item_home_id_home")),
        sa.ForeignKeyConstraint(
            ["quotation_id"], ["repair_quotation.id"], name=op.f("fk_repair_item_quotation_id_repair_quotation")
        ),
        sa.ForeignKeyConstraint(
            ["repair_id"], ["repair_request.id"], name=op.f("fk_repair_item_repair_id_repair_request")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_item")),
    )
    op.create_index("ix_repair_item_repair", "repair_item", ["repair_id", "id"], unique=False)
    for table in ("repair_request", "repair_quotation", "repair_item"):
        tenant(table, home="home_id", workers=True)
        allow(table, "select, insert" if table == "repair_item" else "select, insert, update")
        allow(table, "select", "zhian_auditor")
    tenant("repair_worker", workers=True)
    allow("repair_worker", "select, insert, update")
    allow("repair_worker", "select", "zhian_auditor")
    op.execute("grant usage on all sequences in schema public to zhian_app")
