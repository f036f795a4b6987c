"""What tells who it was is sealed in every table: events' personal part, sightings, tags, plates, raw messages, details."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    # Row-level security hides the rows themselves from the owner; whoever has events has people, and these it sees.
    op.execute("""
        do $$ begin
          if exists (select from account) then
            raise exception 'SEALED_OTHERWISE: this database was filled by an unreleased version that kept subjects in clear; start anew with another --data-dir or an empty database';
          end if;
        end $$
    """)
    op.add_column("event", sa.Column("personal", sa.LargeBinary(), nullable=True))
    _seal("quarantined", "detail")
    op.drop_index("ix_sighting_subject", table_name="sighting")
    _seal("sighting", "subject", index=True)
    op.create_index(
        "ix_sighting_subject",
        "sighting",
        ["subject_index", sa.literal_column("at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    _seal("tag_presence", "tag", index=True)  # its primary key goes with the column
    op.create_primary_key(op.f("pk_tag_presence"), "tag_presence", ["compound_id", "device_id", "tag_index"])
    op.drop_column("ebike", "plate")
    op.add_column("ebike", sa.Column("plate", sa.LargeBinary(), nullable=True))
    _seal("ebike_tag", "tag", index=True)  # and here its unique index
    op.create_index(
        "uq_ebike_tag_open", "ebike_tag", ["tag_index"], unique=True, postgresql_where=sa.text("removed_at is null")
    )


def _seal(table: str, column: str, *, index: bool = False) -> None:
    """A text column becomes a sealed one, with a blind index where it is searched by equality."""
    op.drop_column(table, column)
    op.add_column(table, sa.Column(column, sa.LargeBinary(), nullable=False))
    if index:
        op.add_column(table, sa.Column(f"{column}_index", sa.LargeBinary(), nullable=False))
