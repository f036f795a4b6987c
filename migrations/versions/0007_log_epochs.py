"""Epochs of the logs that live feeds read, so that a cursor from before a restore is refused and not believed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "log_epoch",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_log_epoch")),
    )
    allow("log_epoch", "select")
    this_server()
    begin_epoch()
    op.execute("insert into log_epoch (log, epoch, floor, server) select name, 0, 0, zhian_server()"
               " from unnest(array['event', 'alert_change']) name")  # fmt: skip


def this_server() -> None:
    """Which server this is: another one counts transactions anew. Empty where that may not be asked."""
    op.execute("""
        create function zhian_server() returns text language plpgsql stable set search_path = pg_catalog as $$
        begin
          return (select system_identifier::text from pg_control_system());
        exception when insufficient_privilege then
          return '';
        end $$
    """)
    op.execute("revoke execute on function zhian_server() from public")
    op.execute("grant execute on function zhian_server() to zhian_app")


def begin_epoch() -> None:
    """Begin an epoch when the database has come to another server, or when it is said to be restored.

    Random, not counted: one backup may be put back twice. The floor is raised where transaction ids began anew.
    Called by migrations, as the owner.
    """
    op.execute("""
        create function zhian_begin_epoch(restored boolean) returns boolean
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
              else (select last_value from alert_change_id_seq)
            end,
            server = here,
            since = now();
          return true;
        end $$
    """)
    op.execute("revoke execute on function zhian_begin_epoch(boolean) from public")
