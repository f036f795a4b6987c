"""Files of bills that offices hand in: the file, and its rows as they were understood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow, tenant

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "bill_import",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("checked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bad", sa.Integer(), server_default="0", nullable=False),
        sa.Column("applied", sa.Integer(), server_default="0", nullable=False),
        sa.Column("duplicate", sa.Integer(), server_default="0", nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("format in ('csv','xlsx')", name=op.f("ck_bill_import_format")),
        sa.CheckConstraint(
            "state in ('uploaded','checking','ready','applying','done','failed','cancelled')",
            name=op.f("ck_bill_import_state"),
        ),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_bill_import_compound_id_area")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_import")),
    )
    op.create_index("ix_bill_import_compound_id", "bill_import", ["compound_id", "id"], unique=False)
    op.create_index(
        "ix_bill_import_work",
        "bill_import",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state in ('checking','applying')"),
    )
    op.create_table(
        "bill_import_row",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("fault_column", sa.Text(), nullable=True),
        sa.Column("subject_home", sa.Integer(), nullable=True),
        sa.Column("bill_account_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("source_key", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_to", sa.Date(), nullable=True),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("late_fee_fen", sa.BigInteger(), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("(fault is null) = (amount_fen is not null)", name=op.f("ck_bill_import_row_fault")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["bill_import.id"], name=op.f("fk_bill_import_row_import_id_bill_import"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_bill_import_row")),
    )
    op.create_index(
        "ix_bill_import_row_fault",
        "bill_import_row",
        ["import_id", "number"],
        unique=False,
        postgresql_where=sa.text("fault is not null"),
    )
    op.create_index("ix_bill_import_row_source_key", "bill_import_row", ["import_id", "source_key"], unique=False)
    for table in ("bill_import", "bill_import_row"):
        tenant(table)
        allow(table, "select, insert, update" if table == "bill_import" else "select, insert, delete")
        allow(table, "select", "zhian_auditor")
    op.execute("grant usage on all sequences in schema public to zhian_app")
