"""The audit log: hash chains, one per compound, that rows are only ever added to.

The application has no right to insert: ``zhian_audit_append``, a function of the owner, numbers and hashes what it is
given and reads the columns out of the hashed line itself, so that the two cannot differ. Statement triggers refuse
changes by whoever holds the rights, the owner too; a superuser can step around them, and ``zhian audit verify`` shows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.security import allow, tenant

revision = "0008"
down_revision = "0007"

PLACES = ("county_id", "town_id", "community_id", "compound_id")


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("chain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in PLACES),
        sa.Column("homes", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_audit_entry_sequence")),
        sa.CheckConstraint("chain = coalesce(compound_id, 0)", name=op.f("ck_audit_entry_chain")),
        sa.PrimaryKeyConstraint("chain", "sequence", name=op.f("pk_audit_entry")),
    )
    for column in (*PLACES, "account_id"):
        op.create_index(f"ix_audit_entry_{column}", "audit_entry", [column, "at", "chain", "sequence"])
    op.create_index("ix_audit_entry_homes", "audit_entry", ["homes"], postgresql_using="gin")
    op.create_table(
        "audit_head",
        sa.Column("chain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_head")),
    )
    op.execute("alter table audit_head set (fillfactor = 50)")  # updated in place, again and again
    op.create_table(
        "audit_signature",
        sa.Column("chain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "sequence", name=op.f("pk_audit_signature")),
    )
    append()
    secure()


def append() -> None:
    """Appends lines to their chains, in the order of chains: whoever holds one waits for none before it."""
    op.execute("""
        create function zhian_audit_append(chains int[], bodies text[]) returns void
        language plpgsql security definer set search_path = public, pg_temp as $$
        declare one int; body text; said jsonb; head audit_head%rowtype; before bytea;
        begin
          for one in select distinct c from unnest(chains) c order by c loop
            select * into head from audit_head where chain = one for update;
            if not found then
              insert into audit_head (chain, sequence, hash) values (one, 0, decode(repeat('00', 32), 'hex'))
                on conflict do nothing;
              select * into strict head from audit_head where chain = one for update;
            end if;
            for body in
              select b from unnest(chains, bodies) with ordinality t(c, b, n) where c = one order by n
            loop
              said := body::jsonb;
              before := head.hash;
              head.sequence := head.sequence + 1;
              head.hash := sha256(before || convert_to(
                format('{"chain":%s,"sequence":%s,', one, head.sequence) || substr(body, 2), 'UTF8'));
              insert into audit_entry (chain, sequence, at, county_id, town_id, community_id, compound_id, homes, actor,
                roles, account_id, session_id, action, object_type, object_id, details, request_id, previous, hash)
              values (one, head.sequence, (said->>'at')::timestamptz, (said->>'county_id')::int,
                (said->>'town_id')::int, (said->>'community_id')::int, (said->>'compound_id')::int,
                array(select value::int from jsonb_array_elements_text(said->'homes')), said->>'actor',
                array(select value from jsonb_array_elements_text(said->'roles')), (said->>'account_id')::int,
                (said->>'session_id')::bigint, said->>'action', said->>'object_type', said->>'object_id',
                said->'details', said->>'request_id', before, head.hash);
            end loop;
            update audit_head set sequence = head.sequence, hash = head.hash where chain = one;
          end loop;
        end $$
    """)
    op.execute("revoke execute on function zhian_audit_append(int[], text[]) from public")
    op.execute("grant execute on function zhian_audit_append(int[], text[]) to zhian_app")


def secure() -> None:
    """Who reads what, and that nobody rewrites."""
    tenant("audit_entry", homes="homes", account="account_id")
    op.execute("create policy append on audit_entry for insert to zhian_owner with check (sequence > 0)")
    op.execute(
        "create policy audit on audit_entry for select to zhian_auditor"
        " using ((select current_setting('app.audit', true)) = 'all')"
    )
    allow("audit_entry", "select")
    allow("audit_entry", "select", "zhian_auditor")
    allow("audit_head", "select")
    allow("audit_signature", "select, insert")
    op.execute("""
        create function zhian_audit_refuse() returns trigger language plpgsql as $$
        begin
          raise exception 'the audit log is only added to: % of % refused', tg_op, tg_table_name
            using errcode = 'insufficient_privilege';
        end $$
    """)
    for table in ("audit_entry", "audit_signature"):
        op.execute(f"revoke update, delete, truncate on {table} from zhian_owner")
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table}"
            " for each statement execute function zhian_audit_refuse()"
        )
    op.execute(
        "create trigger append_only before delete or truncate on audit_head"
        " for each statement execute function zhian_audit_refuse()"
    )
