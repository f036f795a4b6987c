"""Alerts end three years after they were cleared, and the notes of who was told with them."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

LINE = "(select nullif(current_setting('app.purge_before', true), '')::timestamptz)"


def upgrade() -> None:
    op.execute(f"create policy purge on alert to zhian_owner using (cleared_at < {LINE})")
    op.execute(f"create policy purge on notification to zhian_owner using (created_at < {LINE})")
    op.execute("""
        create or replace function zhian_purge_before(tab text, line timestamptz, most int) returns int
        language plpgsql security definer set search_path = public, pg_temp as $$
        declare col text; gone int;
        begin
          col := case
            when tab in ('alert_change', 'event_pdefault', 'sighting_pdefault') then 'at'
            when tab in ('quarantined', 'raw_message_pdefault') then 'received_at'
            when tab = 'alert' then 'cleared_at'
            when tab = 'notification' then 'created_at'
          end;
          if col is null then
            raise exception 'not a table that is purged: %', tab;
          end if;
          perform set_config('app.purge_before', line::text, true);
          execute format('with gone as (delete from %1$I where ctid = any(array(
            select ctid from %1$I where %2$I < $1 limit $2)) returning 1) select count(*)::int from gone', tab, col)
            into gone using line, most;
          perform set_config('app.purge_before', '', true);
          return gone;
        end $$
    """)
