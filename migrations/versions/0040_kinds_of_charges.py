"""A charge says what a resident knows it as, so that auto-pay is agreed on by kinds of bills too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.machines import machine

revision = "0040"
down_revision = "0039"

FROZEN = "home_id kind subject subject_id opened_at"
# What each state may become, and what then no longer changes, as domain/community/payments/rules.py says.
STATES = {
    "open": ("", "held paid void"),
    "held": ("amount_fen", "open paid"),
    "paid": ("amount_fen paid_at", ""),
    "void": ("amount_fen", ""),
}
OF_BILLS = "'property','water','electricity','gas'"
KINDS = f"{OF_BILLS},'repair','booking'"
# Every charge of a bill has its bill; a bench's own, which had none, were called property fees.
FILL = """
update charge c set kind = case when c.subject = 'bill'
  then coalesce((select b.kind from bill b where b.id = c.subject_id), 'property') else c.subject end
"""
# Who agreed to bills agreed to all that there were.
AGREED = f"""
update autopay set kinds = array_remove(kinds, 'bill') || array[{OF_BILLS}] where 'bill' = any(kinds)
"""


def upgrade() -> None:
    op.execute("drop trigger machine on charge")
    op.add_column("charge", sa.Column("kind", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_autopay_kinds"), "autopay")
    tables = ("bill", "charge", "autopay")
    for table in tables:
        op.execute(f"alter table {table} no force row level security")  # every compound's, by the owner
    op.execute(FILL)
    op.execute(AGREED)
    for table in tables:
        op.execute(f"alter table {table} force row level security")
    op.alter_column("charge", "kind", nullable=False)
    op.create_check_constraint(
        op.f("ck_charge_kind"),
        "charge",
        f"kind in ({OF_BILLS}) and subject = 'bill' or kind in ('repair','booking') and subject = kind",
    )
    op.create_check_constraint(
        op.f("ck_autopay_kinds"), "autopay", f"kinds <@ array[{KINDS}]::text[] and cardinality(kinds) > 0"
    )
    machine("charge", FROZEN, STATES)
