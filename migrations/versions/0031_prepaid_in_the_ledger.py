"""What homes pay ahead is an account of the ledger; a trigger keeps each home's balance as that account's sum."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow

revision = "0031"
down_revision = "0030"

OF_PREPAID = "'deposited', 'used', 'returned', 'credited'"
CHECKS = {
    "kind": f"kind in ('opened','reduced','paid','unallocated','refunded',{OF_PREPAID})",
    "prepaid": f"('prepaid' in (debit, credit)) = (kind in ({OF_PREPAID}))",
    "subject": "subject in ('bill','repair','booking')",
    "subject_id": "(subject is null) = (subject_id is null)",
}

# What stood in the entries beside the ledger, as entries of it. A part that was paid ahead stands in no charge: it was
# owed, and is owed no longer, beside what moved it.
MOVE = """
insert into ledger_entry (county_id, town_id, community_id, compound_id, home_id, kind, debit, credit, amount_fen,
                          subject, subject_id, note, made_by, at)
select e.county_id, e.town_id, e.community_id, e.compound_id, e.home_id, m.kind, m.debit, m.credit, abs(e.amount_fen),
       case when e.bill_id is not null then 'bill' end, e.bill_id, e.note, e.made_by, e.at
from prepaid_entry e join (values
  ('deposit', 1, 'deposited', 'office', 'prepaid'),
  ('used', 1, 'opened', 'receivable', 'income'), ('used', 2, 'used', 'prepaid', 'receivable'),
  ('returned', 1, 'reduced', 'income', 'receivable'), ('returned', 2, 'returned', 'receivable', 'prepaid'),
  ('credit', 1, 'reduced', 'income', 'receivable'), ('credit', 2, 'credited', 'receivable', 'prepaid')
) as m (was, place, kind, debit, credit) on m.was = e.kind
order by e.id, m.place
"""
HELD = """
do $$ begin
  if exists (
    select from prepaid_balance b full join (
      select home_id, sum(case credit when 'prepaid' then amount_fen else -amount_fen end) as fen
      from ledger_entry where 'prepaid' in (debit, credit) group by home_id) l using (home_id)
    where coalesce(b.balance_fen, 0) <> coalesce(l.fen, 0)) then
    raise exception 'PREPAID_DIFFERS: a balance is not the sum of its entries; settle that before the upgrade';
  end if;
end $$
"""
# A debit first of all finds its balance: the check of a row to be inserted would refuse it before any conflict is seen.
MOVES = """
create function zhian_prepaid_moves() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if new.debit = 'prepaid' then
    update prepaid_balance set balance_fen = balance_fen - new.amount_fen, changed_at = new.at
      where home_id = new.home_id;
    if not found then
      raise exception 'home % has paid nothing ahead', new.home_id using errcode = 'check_violation';
    end if;
  else
    insert into prepaid_balance (county_id, town_id, community_id, compound_id, home_id, balance_fen, changed_at)
      values (new.county_id, new.town_id, new.community_id, new.compound_id, new.home_id, new.amount_fen, new.at)
      on conflict (home_id) do update
        set balance_fen = prepaid_balance.balance_fen + excluded.balance_fen, changed_at = excluded.changed_at;
  end if;
  return null;
end $$
"""


def upgrade() -> None:
    op.add_column("ledger_entry", sa.Column("subject", sa.Text(), nullable=True))
    op.add_column("ledger_entry", sa.Column("subject_id", sa.BigInteger(), nullable=True))
    op.add_column("ledger_entry", sa.Column("note", sa.Text(), server_default="", nullable=False))
    op.add_column("ledger_entry", sa.Column("made_by", sa.Integer(), nullable=True))
    op.drop_constraint(op.f("ck_ledger_entry_kind"), "ledger_entry")
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_ledger_entry_{name}"), "ledger_entry", condition)
    tables = ("prepaid_entry", "prepaid_balance", "ledger_entry")
    for table in tables:
        op.execute(f"alter table {table} no force row level security")  # every compound's, by the owner
    op.execute(MOVE)
    op.execute(HELD)
    op.drop_table("prepaid_entry")
    for table in tables[1:]:
        op.execute(f"alter table {table} force row level security")
    op.execute(MOVES)
    op.execute("revoke execute on function zhian_prepaid_moves() from public")
    op.execute("""
        create trigger prepaid_moves after insert on ledger_entry for each row
        when (new.debit = 'prepaid' or new.credit = 'prepaid') execute function zhian_prepaid_moves()
    """)
    op.execute("revoke insert, update on prepaid_balance from zhian_app")
    allow("prepaid_balance", "update (changed_at)")  # to lock one
