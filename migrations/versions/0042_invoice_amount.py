"""The amount an invoice was issued over: what was paid, without what went back until then."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"

# No request says what its invoice was made out over until now; they were asked for of whole receipts.
FILL = """
update invoice_request set amount_fen = receipt.amount_fen from receipt
where receipt.id = invoice_request.receipt_id and invoice_request.state = 'issued'
"""


def upgrade() -> None:
    op.add_column("invoice_request", sa.Column("amount_fen", sa.BigInteger(), nullable=True))
    op.execute(FILL)
    condition = "(state = 'issued') = (amount_fen is not null) and amount_fen > 0"
    op.create_check_constraint(op.f("ck_invoice_request_amount"), "invoice_request", condition)
