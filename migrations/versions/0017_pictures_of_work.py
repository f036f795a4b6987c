"""Service workers attach pictures to the work of their compound, and see those of the work they see."""

from __future__ import annotations

from alembic import op

from migrations.security import scoped

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute(f"create policy workers on attachment using ({scoped('compound_id', 'workplaces')})")
