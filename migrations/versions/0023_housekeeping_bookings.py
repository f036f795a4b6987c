"""Housekeeping: bookings and series."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.security import allow, tenant

revision = "0023"
down_revision = "0022"


def to(column: str, table: str, of: str) -> sa.ForeignKeyConstraint:
    """A foreign key from ``of`` to another table's id."""
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_{of}_{column}_{table}"))


def instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    """A column of an instant."""
    default = sa.text("now()") if name == "created_at" else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """A column of a whole number."""
    return sa.Column(name, sa.Integer(), nullable=nullable)


def upgrade() -> None:
    areas = ("county_id", "town_id", "community_id", "compound_id")
    series, booking = "housekeeping_series", "housekeeping_booking"
    op.create_table(
        series,
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        number("home_id"),
        number("account_id"),
        number("service_id"),
        sa.Column("every", sa.Text(), nullable=False),
        instant("created_at", nullable=False),
        instant("ended_at"),
        *(number(name) for name in areas),
        sa.CheckConstraint("every in ('week','fortnight','month')", name=op.f("ck_housekeeping_series_every")),
        to("home_id", "home", series),
        to("account_id", "account", series),
        to("service_id", "housekeeping_service", series),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housekeeping_series")),
    )
    op.create_table(
        booking,
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        number("home_id"),
        number("account_id"),
        number("service_id"),
        number("worker_id"),
        number("worker_account_id"),
        number("hold_id"),
        number("series_id", nullable=True),
        instant("starts_at", nullable=False),
        instant("ends_at", nullable=False),
        number("quantity"),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="booked", nullable=False),
        number("price_fen"),
        sa.Column("fee_fen", sa.Integer(), server_default="0", nullable=False),
        number("charge_id", nullable=True),
        number("application_id"),
        instant("free_until", nullable=False),
        instant("created_at", nullable=False),
        instant("checked_in_at"),
        instant("checked_out_at"),
        instant("cancelled_at"),
        sa.Column("by_office", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=True),
        sa.Column("review", sa.Text(), server_default="", nullable=False),
        instant("rated_at"),
        *(number(name) for name in areas),
        sa.CheckConstraint(
            "state in ('booked','under_way','done','cancelled')", name=op.f("ck_housekeeping_booking_state")
        ),
        sa.CheckConstraint(
            "(state in ('under_way','done')) = (checked_in_at is not null)",
            name=op.f("ck_housekeeping_booking_checked_in"),
        ),
        sa.CheckConstraint(
            "(state = 'done') = (checked_out_at is not null)", name=op.f("ck_housekeeping_booking_checked_out")
        ),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancelled_at is not null)", name=op.f("ck_housekeeping_booking_cancelled")
        ),
        sa.CheckConstraint(
            "fee_fen >= 0 and fee_fen <= price_fen and (fee_fen = 0 or state = 'cancelled')",
            name=op.f("ck_housekeeping_booking_fee"),
        ),
        sa.CheckConstraint(
            "(stars is null) = (rated_at is null) and (stars is null or state = 'done')",
            name=op.f("ck_housekeeping_booking_rated"),
        ),
        sa.CheckConstraint("stars between 1 and 5", name=op.f("ck_housekeeping_booking_stars")),
        to("home_id", "home", booking),
        to("account_id", "account", booking),
        to("service_id", "housekeeping_service", booking),
        to("worker_id", "housekeeping_worker", booking),
        to("worker_account_id", "account", booking),
        to("hold_id", "housekeeping_hold", booking),
        to("series_id", "housekeeping_series", booking),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housekeeping_booking")),
    )
    op.create_index("ix_housekeeping_booking_home_id", booking, ["home_id", "id"], unique=False)
    op.create_index("ix_housekeeping_booking_compound_id", booking, ["compound_id", "id"], unique=False)
    op.create_index("ix_housekeeping_booking_worker", booking, ["worker_account_id", "id"], unique=False)
    op.create_index("ix_housekeeping_booking_worker_id", booking, ["worker_id"], unique=False)
    op.create_index(
        "ix_housekeeping_booking_series_id",
        booking,
        ["series_id"],
        unique=False,
        postgresql_where=sa.text("series_id is not null"),
    )
    tenant(series, home="home_id")
    tenant(booking, home="home_id", worker="worker_account_id")
    for table in (series, booking):
        allow(table, "select, insert, update")
        allow(table, "select", "zhian_auditor")
    op.execute("grant usage on all sequences in schema public to zhian_app")
