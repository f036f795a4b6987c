"""E-bikes whose owners have left their homes are handed to the worker, which retires them as it does from now on."""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"

READ = ("ebike", "household")


def upgrade() -> None:
    for table in READ:
        op.execute(f"alter table {table} no force row level security")  # every compound's, by the owner
    op.execute("""
        insert into outbox_event (name, compound_id, payload, created_at, due_at)
        select 'resident.left', compound_id,
               jsonb_build_object('home_id', home_id, 'account_id', account_id, 'at', coalesce(at, now())),
               now(), now()
        from (
          select e.compound_id, e.home_id, e.account_id, max(h.ended_at) as at
          from ebike e left join household h on h.home_id = e.home_id and h.account_id = e.account_id
          where e.retired_at is null
          group by e.compound_id, e.home_id, e.account_id
          having count(*) filter (where h.id is not null and h.ended_at is null) = 0
        ) as gone
    """)
    for table in READ:
        op.execute(f"alter table {table} force row level security")
