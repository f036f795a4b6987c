"""Indexes for reading what is stored: a home's events, the log of events, alerts still active, rules to retry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # Residents page through their home's few events; without it through all of their compound's.
    op.create_index(
        "ix_event_home",
        "event",
        ["home_id", sa.literal_column("at desc"), sa.literal_column("id desc")],
        postgresql_where=sa.text("home_id is not null"),
    )
    # By (xid, id) alone: a follower of a county reads one range per partition, not one per compound and partition,
    # and inserts touch the index's right edge only.
    op.drop_index("ix_event_log", table_name="event")
    op.create_index("ix_event_log", "event", ["xid", "id"])
    # The command centre's list: the few active alerts among all that ever were.
    op.create_index(
        "ix_alert_active",
        "alert",
        ["county_id", sa.literal_column("raised_at desc"), sa.literal_column("id desc")],
        postgresql_where=sa.text("cleared_at is null"),
    )
    op.create_index("ix_rule_retry_open", "rule_retry", ["id"], postgresql_where=sa.text("done_at is null"))
