"""What a home has paid ahead can be paid back at the office."""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"

OF_PREPAID = "'deposited', 'used', 'returned', 'credited', 'paid_out'"
CHECKS = {
    "kind": f"kind in ('opened','reduced','paid','unallocated','refunded',{OF_PREPAID})",
    "prepaid": f"('prepaid' in (debit, credit)) = (kind in ({OF_PREPAID}))",
}


def upgrade() -> None:
    for name, condition in CHECKS.items():
        op.drop_constraint(op.f(f"ck_ledger_entry_{name}"), "ledger_entry")
        op.create_check_constraint(op.f(f"ck_ledger_entry_{name}"), "ledger_entry", condition)
