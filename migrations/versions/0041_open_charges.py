"""What auto-pay may plan, and what it is taking, are found without what was paid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.create_index("ix_charge_open", "charge", ["home_id", "due_on"], postgresql_where=sa.text("state = 'open'"))
    op.create_index("ix_autopay_plan_trying", "autopay_plan", ["id"], postgresql_where=sa.text("state = 'trying'"))
