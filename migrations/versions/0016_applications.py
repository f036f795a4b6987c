"""Applications of residents, and the log of their steps that live feeds read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.kernel.base import XID8
from migrations.security import allow, tenant

revision = "0016"
down_revision = "0015"

INSTANT = sa.DateTime(timezone=True)
KINDS = "kind in ('repair','housekeeping')"
STATES = "state in ('submitted','accepted','in_progress','handled','cancelled','rejected')"


def upgrade() -> None:
    _applications()
    _changes()
    _begin_epoch()
    op.execute("insert into log_epoch (log, epoch, floor, server) values ('application_change', 0, 0, zhian_server())")


def _areas() -> tuple[sa.Column[int], ...]:
    return tuple(
        sa.Column(name, sa.Integer(), nullable=False)
        for name in ("county_id", "town_id", "community_id", "compound_id")
    )


def _applications() -> None:
    op.create_table(
        "application",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="submitted", nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        *_areas(),
        sa.CheckConstraint(KINDS, name=op.f("ck_application_kind")),
        sa.CheckConstraint(STATES, name=op.f("ck_application_state")),
        sa.CheckConstraint(
            "accepted_at is not null or state in ('submitted','cancelled','rejected')",
            name=op.f("ck_application_accepted_first"),
        ),
        sa.CheckConstraint(
            "(state in ('handled','cancelled','rejected')) = (closed_at is not null)",
            name=op.f("ck_application_closed"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_application_account_id_account")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_application_compound_id_area")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_application_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
    )
    newest = (sa.text("submitted_at desc"), sa.text("id desc"))
    op.create_index("uq_application_subject", "application", ["kind", "subject_id"], unique=True)
    op.create_index("ix_application_compound", "application", ["compound_id", *newest])
    op.create_index("ix_application_county", "application", ["county_id", *newest])
    op.create_index("ix_application_home", "application", ["home_id", *newest])
    tenant("application", home="home_id", workers=True)
    allow("application", "select, insert, update")
    allow("application", "select", "zhian_auditor")
    op.execute("grant usage on sequence application_id_seq to zhian_app")


def _changes() -> None:
    op.create_table(
        "application_change",
        sa.Column("xid", XID8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        *_areas(),
        sa.CheckConstraint(KINDS, name=op.f("ck_application_change_kind")),
        sa.CheckConstraint(STATES, name=op.f("ck_application_change_state")),
        sa.PrimaryKeyConstraint("xid", "id", name=op.f("pk_application_change")),
    )
    op.create_index("ix_application_change_compound", "application_change", ["compound_id", "xid", "id"])
    op.create_index("ix_application_change_application", "application_change", ["application_id", "id"])
    tenant("application_change", home="home_id", workers=True)
    allow("application_change", "select, insert")
    allow("application_change", "select", "zhian_auditor")


def _begin_epoch() -> None:
    """As migration 0007 has it, for one log more."""
    op.execute("""
        create or replace function zhian_begin_epoch(restored boolean) returns boolean
        language plpgsql set search_path = public, pg_temp as $$
        declare here text := zhian_server(); moved boolean;
        begin
          select bool_or(server <> here) into moved from log_epoch;
          if not (restored or (moved and here <> '')) then
            return false;
          end if;
          update log_epoch set
            epoch = 1 + floor(random() * 2 ^ 52)::bigint,
            floor = case
              when not moved and here <> '' then log_epoch.floor
              when log = 'event' then (select last_value + 999 from ingest_id)
              when log = 'application_change' then (select last_value from application_change_id_seq)
              else (select last_value from alert_change_id_seq)
            end,
            server = here,
            since = now();
          return true;
        end $$
    """)
