"""Bills of homes: fee rules, accounts at suppliers, meters with readings, bills, and what was paid ahead."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.security import allow, tenant

revision = "0021"
down_revision = "0020"

# The application asks first; this is for whoever forgets to. Late fees of a bill that is being paid must not move either.
FROZEN = """
create function zhian_bill_frozen() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
  if (new.home_id, new.kind, new.lines, new.amount_fen, new.charged_late_fen, new.late_fee_fen, new.discount_fen,
      new.prepaid_fen, new.charge_id)
     is distinct from
     (old.home_id, old.kind, old.lines, old.amount_fen, old.charged_late_fen, old.late_fee_fen, old.discount_fen,
      old.prepaid_fen, old.charge_id)
     and exists (select from charge where id = old.charge_id and state in ('held', 'paid')) then
    raise exception 'BILL_FROZEN: bill % is being paid or is paid', old.id using errcode = 'check_violation';
  end if;
  return new;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "fee_rule",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("tiers", postgresql.JSONB(), nullable=False),
        sa.Column("period_months", sa.Integer(), server_default="1", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("due_days", sa.Integer(), server_default="30", nullable=False),
        sa.Column("late_daily", sa.Integer(), server_default="0", nullable=False),
        sa.Column("late_cap", sa.Integer(), server_default="0", nullable=False),
        sa.Column("grace_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("discount", sa.Integer(), server_default="0", nullable=False),
        sa.Column("discount_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("basis <> 'meter' or kind <> 'property'", name=op.f("ck_fee_rule_metered")),
        sa.CheckConstraint("basis in ('area','home','meter')", name=op.f("ck_fee_rule_basis")),
        sa.CheckConstraint("kind in ('water','electricity','gas','property')", name=op.f("ck_fee_rule_kind")),
        sa.CheckConstraint("due_days >= 0 and grace_days >= 0 and discount_days >= 0", name=op.f("ck_fee_rule_days")),
        sa.CheckConstraint(
            "late_daily >= 0 and late_cap >= 0 and discount between 0 and 1000000", name=op.f("ck_fee_rule_shares")
        ),
        sa.CheckConstraint("period_months in (1,2,3,6,12)", name=op.f("ck_fee_rule_period")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_fee_rule_compound_id_area")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee_rule")),
    )
    op.create_index("ix_fee_rule_compound_id", "fee_rule", ["compound_id", "id"], unique=False)
    op.create_table(
        "bill_account",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("institution", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('water','electricity','gas','property')", name=op.f("ck_bill_account_kind")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_bill_account_compound_id_area")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_bill_account_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_account")),
    )
    op.create_index("ix_bill_account_home_id", "bill_account", ["home_id"], unique=False)
    op.create_index(
        "uq_bill_account_open",
        "bill_account",
        ["compound_id", "kind", "number_index"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_table(
        "fee_area",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("square_milli", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("square_milli > 0", name=op.f("ck_fee_area_area")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_fee_area_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee_area")),
        sa.UniqueConstraint("home_id", name=op.f("uq_fee_area_home_id")),
    )
    op.create_index("ix_fee_area_compound_id", "fee_area", ["compound_id", "id"], unique=False)
    op.create_table(
        "meter",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('water','electricity','gas')", name=op.f("ck_meter_kind")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_meter_compound_id_area")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_meter_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter")),
    )
    op.create_index("ix_meter_compound_id", "meter", ["compound_id", "id"], unique=False)
    op.create_index("ix_meter_home_id", "meter", ["home_id"], unique=False)
    op.create_table(
        "prepaid_balance",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("balance_fen >= 0", name=op.f("ck_prepaid_balance_balance")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_prepaid_balance_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prepaid_balance")),
        sa.UniqueConstraint("home_id", name=op.f("uq_prepaid_balance_home_id")),
    )
    op.create_table(
        "bill",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("bill_account_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("charged_late_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("late_fee_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("prepaid_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("deadline", sa.Date(), nullable=False),
        sa.Column("late_daily", sa.Integer(), server_default="0", nullable=False),
        sa.Column("late_cap", sa.Integer(), server_default="0", nullable=False),
        sa.Column("grace_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("discount", sa.Integer(), server_default="0", nullable=False),
        sa.Column("discount_until", sa.Date(), nullable=True),
        sa.Column("due_changes_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("charge_id", sa.Integer(), nullable=True),
        sa.Column("corrects", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "amount_fen > 0 or (state = 'settled' and corrects is not null)", name=op.f("ck_bill_amount")
        ),
        sa.CheckConstraint("kind in ('water','electricity','gas','property')", name=op.f("ck_bill_kind")),
        sa.CheckConstraint("source in ('office','import','pulled','correction')", name=op.f("ck_bill_source")),
        sa.CheckConstraint("state in ('issued','settled') or closed_at is not null", name=op.f("ck_bill_closed")),
        sa.CheckConstraint("state in ('issued','settled','replaced','written_off')", name=op.f("ck_bill_state")),
        sa.CheckConstraint(
            "amount_fen < 0 or amount_fen + late_fee_fen >= discount_fen + prepaid_fen", name=op.f("ck_bill_total")
        ),
        sa.CheckConstraint(
            "charged_late_fen >= 0 and late_fee_fen >= 0 and discount_fen >= 0 and prepaid_fen >= 0",
            name=op.f("ck_bill_parts"),
        ),
        sa.CheckConstraint("period_from <= period_to", name=op.f("ck_bill_period")),
        sa.ForeignKeyConstraint(
            ["bill_account_id"], ["bill_account.id"], name=op.f("fk_bill_bill_account_id_bill_account")
        ),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"], name=op.f("fk_bill_charge_id_charge")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_bill_compound_id_area")),
        sa.ForeignKeyConstraint(["corrects"], ["bill.id"], name=op.f("fk_bill_corrects_bill")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_bill_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill")),
    )
    op.create_index("ix_bill_charge_id", "bill", ["charge_id"], unique=False)
    op.create_index("ix_bill_compound_id", "bill", ["compound_id", "id"], unique=False)
    op.create_index(
        "ix_bill_due_changes_on",
        "bill",
        ["due_changes_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'issued' and due_changes_on is not null"),
    )
    op.create_index("ix_bill_home_id", "bill", ["home_id", "id"], unique=False)
    op.create_index("uq_bill_corrects", "bill", ["corrects"], unique=True)
    op.create_index("uq_bill_source", "bill", ["compound_id", "source", "source_key"], unique=True)
    op.create_table(
        "meter_reading",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("meter_id", sa.Integer(), nullable=False),
        sa.Column("read_on", sa.Date(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("read_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("judged_by", sa.Integer(), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("source in ('manual','device','vendor')", name=op.f("ck_meter_reading_source")),
        sa.CheckConstraint("state in ('accepted','to_confirm','rejected')", name=op.f("ck_meter_reading_state")),
        sa.CheckConstraint("value >= 0", name=op.f("ck_meter_reading_value")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_meter_reading_home_id_home")),
        sa.ForeignKeyConstraint(["meter_id"], ["meter.id"], name=op.f("fk_meter_reading_meter_id_meter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter_reading")),
    )
    op.create_index("ix_meter_reading_compound_id", "meter_reading", ["compound_id", "id"], unique=False)
    op.create_index("ix_meter_reading_home_id", "meter_reading", ["home_id"], unique=False)
    op.create_index(
        "uq_meter_reading_day",
        "meter_reading",
        ["meter_id", "read_on"],
        unique=True,
        postgresql_where=sa.text("state <> 'rejected'"),
    )
    op.create_table(
        "prepaid_entry",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("bill_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'used') = (amount_fen < 0) and amount_fen <> 0", name=op.f("ck_prepaid_entry_amount")
        ),
        sa.CheckConstraint("kind in ('deposit','used','returned','credit')", name=op.f("ck_prepaid_entry_kind")),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_prepaid_entry_bill_id_bill")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_prepaid_entry_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prepaid_entry")),
    )
    op.create_index("ix_prepaid_entry_home_id", "prepaid_entry", ["home_id", "id"], unique=False)
    op.execute(FROZEN)
    op.execute("create trigger bill_frozen before update on bill for each row execute function zhian_bill_frozen()")
    tenant("fee_rule", neighbours=True)
    for table in ("bill_account", "fee_area", "meter", "meter_reading", "bill", "prepaid_balance", "prepaid_entry"):
        tenant(table, home="home_id")
    for table in ("fee_rule", "bill_account", "fee_area", "meter", "meter_reading", "bill", "prepaid_balance"):
        allow(table, "select, insert, update")
        allow(table, "select", "zhian_auditor")
    allow("prepaid_entry", "select, insert")
    allow("prepaid_entry", "select", "zhian_auditor")
    op.execute("grant usage on all sequences in schema public to zhian_app")
