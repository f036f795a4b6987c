"""Retention of everything that is kept by time: months are dropped whole, what stands beside them is deleted in batches.

The application has no right to delete history, so both are functions of the owner. Row-level security is forced on the
owner too: it sees no row of a tenant table, but those older than the line it names itself, ``app.purge_before``.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

LINE = "(select nullif(current_setting('app.purge_before', true), '')::timestamptz)"


def upgrade() -> None:
    for table, column in (("alert_change", "at"), ("quarantined", "received_at")):
        op.execute(f"create policy purge on {table} to zhian_owner using ({column} < {LINE})")
    drop_months()
    purge_rows()
    for signature in (
        "zhian_drop_partitions_before(text, date)",
        "zhian_purge_before(text, timestamptz, int)",
    ):
        op.execute(f"revoke execute on function {signature} from public")
        op.execute(f"grant execute on function {signature} to zhian_app")


def drop_months() -> None:
    """The months of one table that lie wholly before a day.

    Dropping locks the whole table for a moment. It waits no longer than two seconds for a reader: whoever stores comes
    in line behind it, and the schedule tries again.
    """
    op.execute("drop function zhian_drop_raw_before(date)")
    op.execute("""
        create function zhian_drop_partitions_before(parent text, day date) returns int
        language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
        declare child text; dropped int := 0;
        begin
          if parent is null or parent not in ('event', 'sighting', 'raw_message') then
            raise exception 'not a table of months: %', parent;
          end if;
          perform pg_advisory_xact_lock(7418002);
          for child in
            select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = parent::regclass and c.relname ~ '_p[0-9]{6}$'
              and to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month' <= day
          loop
            execute format('drop table %I', child);
            dropped := dropped + 1;
          end loop;
          return dropped;
        end $$
    """)


def purge_rows() -> None:
    """Up to ``most`` rows before a line: of logs without months, and of the partitions for what fits in no month
    (records of months that have been dropped or were never made)."""
    op.execute("""
        create function zhian_purge_before(tab text, line timestamptz, most int) returns int
        language plpgsql security definer set search_path = public, pg_temp as $$
        declare col text; gone int;
        begin
          col := case
            when tab in ('alert_change', 'event_pdefault', 'sighting_pdefault') then 'at'
            when tab in ('quarantined', 'raw_message_pdefault') then 'received_at'
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
