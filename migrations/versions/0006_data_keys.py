"""Keys that seal what belongs to one compound, wrapped by a key that is not in the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        do $$ begin
          if exists (select from account) then
            raise exception 'SEALED_OTHERWISE: this database was filled by an unreleased version that sealed with one key for all; start anew with another --data-dir or an empty database';
          end if;
        end $$
    """)
    op.create_table(
        "data_key",
        sa.Column("area_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("kek", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(wrapped is null) = (erased_at is not null)", name=op.f("ck_data_key_erased")),
        sa.CheckConstraint("version between 1 and 65535", name=op.f("ck_data_key_version")),
        sa.PrimaryKeyConstraint("area_id", "version", name=op.f("pk_data_key")),
    )
    # Processes read keys and make the first one of an area; only the owner wraps anew, retires and erases.
    allow("data_key", "select, insert")
