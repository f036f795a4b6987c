"""Service workers: a role over a compound that sees of it what every neighbour knows."""

from __future__ import annotations

from alembic import op

from migrations.security import around

revision = "0013"
down_revision = "0012"

ROLES = "'service_worker','property_staff','property_manager','community_police','town_operator','county_operator'"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_role_grant_role"), "role_grant", type_="check")
    op.create_check_constraint(op.f("ck_role_grant_role"), "role_grant", f"role in ({ROLES})")
    for table in ("area", "building"):
        op.execute(f"alter policy neighbours on {table} using ({around()})")
