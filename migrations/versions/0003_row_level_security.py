"""Row-level security, rights, month partitions and the functions that run as the owner."""

from __future__ import annotations

from alembic import op

from migrations.security import allow, tenant

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    secure()
    partitions()


TENANT = {
    # table: (extra reach of row-level security, rights of the application)
    "area": ({"neighbours": True}, "select, insert"),
    "building": ({"neighbours": True}, "select, insert"),
    "home": ({"home": "id"}, "select, insert"),
    "household": ({"home": "home_id", "account": "account_id"}, "select, insert, update"),
    "role_grant": ({"account": "account_id"}, "select, insert, update"),
    "device": ({"home": "home_id"}, "select, insert, update"),
    "device_liveness": ({}, "select, insert, update"),
    "device_property": ({}, "select, insert, update"),
    "raw_message": ({}, "select, insert"),
    "event": ({"home": "home_id"}, "select, insert"),
    "quarantined": ({}, "select, insert"),
    "picture": ({}, "select, insert, delete"),
    "sighting": ({"home": "home_id"}, "select, insert, update"),
    "tag_presence": ({}, "select, insert, update, delete"),
    "alert": ({"home": "home_id"}, "select, insert, update"),
    "alert_change": ({"home": "home_id"}, "select, insert"),
    "notification": ({"account": "account_id"}, "select, insert, update"),
    "ebike": ({"home": "home_id"}, "select, insert, update"),
    "ebike_tag": ({"home": "home_id"}, "select, insert, update"),
}

# No tenant columns: reached by key only (a token's hash, a phone's blind index), or counts without content.
UNSCOPED = {
    "account": "select, insert, update",
    "sign_in_code": "select, insert, update, delete",
    "rate_limit": "select, insert, update, delete",
    "session": "select, insert, update, delete",
    "refresh_token": "select, insert, update, delete",
    "sent_message": "select, insert, update, delete",
    "device_credential": "select, insert, update, delete",
    "outbox_event": "select, insert, update, delete",
    "handled": "select, insert, delete",
    "ingest_tally": "select, insert, delete",
    "rule_retry": "select, insert, update, delete",
}


def secure() -> None:
    """Policies and rights of every table; what is not granted here is denied."""
    for table, (reach, rights) in TENANT.items():
        tenant(table, **reach)
        allow(table, rights)
        allow(table, "select", "zhian_auditor")
    for table, rights in UNSCOPED.items():
        allow(table, rights)
    tenant("inbox", levels=("compound",))
    allow("inbox", "select, insert")
    op.execute("create policy purge on inbox to zhian_owner using (received_on < current_date - 400)")
    op.execute("create policy counties on area for select to zhian_owner using (level = 'county')")
    op.execute("grant usage on all sequences in schema public to zhian_app")


def partitions() -> None:
    """Functions that run as the owner: month partitions, retention, and the ids a system scope is made of."""
    op.execute("""
        create function zhian_county_ids() returns int[] language sql stable security definer
        set search_path = public, pg_temp
        as $$ select coalesce(array_agg(id order by id), '{}') from area where level = 'county' $$
    """)
    op.execute("""
        create function zhian_ensure_partitions(first_month date, last_month date) returns int
        language plpgsql security definer set search_path = public, pg_temp as $$
        declare month date; parent text; made int := 0;
        begin
          perform pg_advisory_xact_lock(7418002);
          foreach parent in array array['event', 'sighting', 'raw_message'] loop
            month := date_trunc('month', first_month);
            while month <= last_month loop
              if to_regclass(format('%s_p%s', parent, to_char(month, 'YYYYMM'))) is null then
                execute format('create table %I partition of %I for values from (%L) to (%L)',
                  parent || '_p' || to_char(month, 'YYYYMM'), parent,
                  month::timestamp at time zone 'UTC', (month + interval '1 month')::timestamp at time zone 'UTC');
                made := made + 1;
              end if;
              month := (month + interval '1 month')::date;
            end loop;
          end loop;
          return made;
        end $$
    """)
    op.execute("""
        create function zhian_drop_raw_before(day date) returns int
        language plpgsql security definer set search_path = public, pg_temp as $$
        declare child text; dropped int := 0;
        begin
          perform pg_advisory_xact_lock(7418002);
          for child in
            select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'raw_message'::regclass and c.relname ~ '_p[0-9]{6}$'
              and to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month' <= day
          loop
            execute format('drop table %I', child);
            dropped := dropped + 1;
          end loop;
          return dropped;
        end $$
    """)
    op.execute("""
        create function zhian_purge_inbox(most int) returns int language sql security definer
        set search_path = public, pg_temp as $$
          with gone as (
            delete from inbox where ctid = any(array(
              select ctid from inbox where received_on < current_date - 400 limit most)) returning 1)
          select count(*)::int from gone
        $$
    """)
    for parent in ("event", "sighting", "raw_message"):
        op.execute(f"create table {parent}_pdefault partition of {parent} default")
    op.execute(
        "select zhian_ensure_partitions((now() - interval '13 months')::date, (now() + interval '3 months')::date)"
    )
    for signature in (
        "zhian_county_ids()",
        "zhian_ensure_partitions(date, date)",
        "zhian_drop_raw_before(date)",
        "zhian_purge_inbox(int)",
    ):
        op.execute(f"revoke execute on function {signature} from public")
        op.execute(f"grant execute on function {signature} to zhian_app")
