"""The audit log takes the lines of a chain in one statement: only their hashes are made one after the other."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"

APPEND = """
create or replace function zhian_audit_append(chains int[], bodies text[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare one int; body text; head audit_head%rowtype; start bigint; lines text[]; hashes bytea[];
begin
  for one in select distinct c from unnest(chains) c order by c loop
    select * into head from audit_head where chain = one for update;
    if not found then
      insert into audit_head (chain, sequence, hash) values (one, 0, decode(repeat('00', 32), 'hex'))
        on conflict do nothing;
      select * into strict head from audit_head where chain = one for update;
    end if;
    lines := array(select b from unnest(chains, bodies) with ordinality t(c, b, n) where c = one order by n);
    start := head.sequence;
    hashes := array[head.hash];
    foreach body in array lines loop
      head.sequence := head.sequence + 1;
      head.hash := sha256(head.hash || convert_to(
        format('{"chain":%s,"sequence":%s,', one, head.sequence) || substr(body, 2), 'UTF8'));
      hashes := hashes || head.hash;
    end loop;
    insert into audit_entry (chain, sequence, at, county_id, town_id, community_id, compound_id, homes, actor,
      roles, account_id, session_id, action, object_type, object_id, details, request_id, previous, hash)
    select one, start + n, (said->>'at')::timestamptz, (said->>'county_id')::int, (said->>'town_id')::int,
      (said->>'community_id')::int, (said->>'compound_id')::int,
      array(select value::int from jsonb_array_elements_text(said->'homes')), said->>'actor',
      array(select value from jsonb_array_elements_text(said->'roles')), (said->>'account_id')::int,
      (said->>'session_id')::bigint, said->>'action', said->>'object_type', said->>'object_id',
      said->'details', said->>'request_id', hashes[n], hashes[n + 1]
    from (select n, b::jsonb as said from unnest(lines) with ordinality t(b, n) offset 0) each order by n;
    update audit_head set sequence = head.sequence, hash = head.hash where chain = one;
  end loop;
end $$
"""


def upgrade() -> None:
    op.execute(APPEND)
