"""Tables of the security domain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from domain.kernel.base import XID8

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Ids of events, sightings and raw messages are given out by the recorder in blocks of a thousand.
    op.execute("create sequence ingest_id increment by 1000 minvalue 1000 start 1000")
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=True),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Integer(), nullable=True),
        sa.Column("assigned_to", sa.Integer(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_by", sa.Integer(), nullable=True),
        sa.Column("cleared_because", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("severity between 1 and 4", name=op.f("ck_alert_severity")),
        sa.PrimaryKeyConstraint("id", "compound_id", name=op.f("pk_alert")),
    )
    op.create_index(
        "ix_alert_compound",
        "alert",
        ["compound_id", sa.literal_column("raised_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "ix_alert_county",
        "alert",
        ["county_id", sa.literal_column("raised_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index(
        "ix_alert_home",
        "alert",
        ["home_id", sa.literal_column("raised_at desc")],
        unique=False,
        postgresql_where=sa.text("home_id is not null"),
    )
    op.create_index(
        "uq_alert_open",
        "alert",
        ["compound_id", "source", "kind"],
        unique=True,
        postgresql_where=sa.text("cleared_at is null"),
    )
    op.create_table(
        "alert_change",
        sa.Column("xid", XID8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("xid", "id", name=op.f("pk_alert_change")),
    )
    op.create_index("ix_alert_change_compound", "alert_change", ["compound_id", "xid", "id"], unique=False)
    op.create_table(
        "device_liveness",
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drift_ms", sa.BigInteger(), nullable=True),
        sa.Column("clock_suspect", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("last_serial", sa.BigInteger(), nullable=True),
        sa.Column("first_previous", sa.BigInteger(), nullable=True),
        sa.Column("lost_records", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "compound_id", name=op.f("pk_device_liveness")),
    )
    op.create_table(
        "device_property",
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "compound_id", "name", name=op.f("pk_device_property")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("clock_suspect", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("raw_id", sa.BigInteger(), nullable=True),
        sa.Column("xid", XID8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("compound_id", "at", "id", name=op.f("pk_event")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index(
        "ix_event_device",
        "event",
        ["device_id", sa.literal_column("at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_index("ix_event_log", "event", ["compound_id", "xid", "id"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_on", sa.Date(), server_default=sa.text("current_date"), nullable=False),
        sa.PrimaryKeyConstraint("compound_id", "key", name=op.f("pk_inbox")),
    )
    op.create_table(
        "ingest_tally",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("duplicate", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_tally")),
    )
    op.create_table(
        "picture",
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.SmallInteger(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("compound_id", "event_id", "ordinal", name=op.f("pk_picture")),
    )
    op.create_index("ix_picture_expires_at", "picture", ["expires_at"], unique=False)
    op.create_index("ix_picture_sha256", "picture", ["sha256"], unique=False)
    op.create_table(
        "quarantined",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("raw_id", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", "compound_id", name=op.f("pk_quarantined")),
    )
    op.create_index("ix_quarantined_device", "quarantined", ["device_id", sa.literal_column("id desc")], unique=False)
    op.create_table(
        "raw_message",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("compound_id", "received_at", "id", name=op.f("pk_raw_message")),
        postgresql_partition_by="RANGE (received_at)",
    )
    op.create_table(
        "rule_retry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_retry")),
        sa.UniqueConstraint("rule", "compound_id", "event_id", name=op.f("uq_rule_retry_rule_compound_id_event_id")),
    )
    op.create_table(
        "sighting",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("antenna", sa.SmallInteger(), nullable=True),
        sa.Column("rssi_dbm", sa.SmallInteger(), nullable=True),
        sa.Column("reads", sa.Integer(), server_default="1", nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("compound_id", "at", "id", name=op.f("pk_sighting")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index(
        "ix_sighting_subject",
        "sighting",
        ["subject", "subject_kind", sa.literal_column("at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_table(
        "tag_presence",
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("sighting_id", sa.BigInteger(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("antenna", sa.SmallInteger(), nullable=True),
        sa.Column("rssi_dbm", sa.SmallInteger(), nullable=True),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("compound_id", "device_id", "tag", name=op.f("pk_tag_presence")),
    )
    op.create_table(
        "notification",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_notification_account_id_account")),
        sa.PrimaryKeyConstraint("id", "compound_id", name=op.f("pk_notification")),
        sa.UniqueConstraint(
            "compound_id",
            "alert_id",
            "account_id",
            "cause",
            name=op.f("uq_notification_compound_id_alert_id_account_id_cause"),
        ),
    )
    op.create_index(
        "ix_notification_account_id",
        "notification",
        ["account_id", sa.literal_column("created_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("building_id", sa.Integer(), nullable=True),
        sa.Column("gateway_id", sa.Integer(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("heartbeat_seconds", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("direction is null or direction in ('in','out')", name=op.f("ck_device_direction")),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_device_building_id_building")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_device_compound_id_area")),
        sa.ForeignKeyConstraint(["gateway_id"], ["device.id"], name=op.f("fk_device_gateway_id_device")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_device_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
    )
    op.create_index("ix_device_compound_id", "device", ["compound_id", "id"], unique=False)
    op.create_index("uq_device_behind_gateway", "device", ["gateway_id", "external_id"], unique=True)
    op.create_table(
        "ebike",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("plate", sa.Text(), nullable=True),
        sa.Column("make", sa.Text(), server_default="", nullable=False),
        sa.Column("color", sa.Text(), server_default="", nullable=False),
        sa.Column("guarded_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_ebike_account_id_account")),
        sa.ForeignKeyConstraint(["compound_id"], ["area.id"], name=op.f("fk_ebike_compound_id_area")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_ebike_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ebike")),
    )
    op.create_index("ix_ebike_account_id", "ebike", ["account_id"], unique=False)
    op.create_index("ix_ebike_compound_id", "ebike", ["compound_id", "id"], unique=False)
    op.create_index("ix_ebike_home_id", "ebike", ["home_id"], unique=False)
    op.create_table(
        "device_credential",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("digest_ha1", sa.Text(), nullable=False),
        sa.Column("path_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_credential_device_id_device")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_credential")),
        sa.UniqueConstraint("path_hash", name=op.f("uq_device_credential_path_hash")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_device_credential_secret_hash")),
    )
    op.create_index("ix_device_credential_device_id", "device_credential", ["device_id"], unique=False)
    op.create_table(
        "ebike_tag",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ebike_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), server_default="bike", nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("county_id", sa.Integer(), nullable=False),
        sa.Column("town_id", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Integer(), nullable=False),
        sa.Column("compound_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("place in ('bike','battery','spare')", name=op.f("ck_ebike_tag_place")),
        sa.ForeignKeyConstraint(["ebike_id"], ["ebike.id"], name=op.f("fk_ebike_tag_ebike_id_ebike")),
        sa.ForeignKeyConstraint(["home_id"], ["home.id"], name=op.f("fk_ebike_tag_home_id_home")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ebike_tag")),
    )
    op.create_index("ix_ebike_tag_ebike_id", "ebike_tag", ["ebike_id"], unique=False)
    op.create_index(
        "uq_ebike_tag_open", "ebike_tag", ["tag"], unique=True, postgresql_where=sa.text("removed_at is null")
    )
