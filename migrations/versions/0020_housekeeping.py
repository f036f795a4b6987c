"""Housekeeping: providers, price lists, workers with their hours and absences, and who is busy when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.security import allow, tenant

revision = "0020"
down_revision = "0019"

NOW = sa.text("now()")


def areas() -> tuple[sa.Column[int], ...]:
    """The tenant columns."""
    return tuple(
        sa.Column(name, sa.Integer(), nullable=False)
        for name in ("county_id", "town_id", "community_id", "compound_id")
    )


def instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    """A column of an instant."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def created() -> sa.Column[object]:
    """When the row was made."""
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False)


def to(column: str, table: str, of: str) -> sa.ForeignKeyConstraint:
    """A foreign key from ``of`` to another table's id."""
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_{of}_{column}_{table}"))


def upgrade() -> None:
    op.create_table(
        "housekeeping_provider",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), server_default="", nullable=False),
        sa.Column("contact", sa.Text(), server_default="", nullable=False),
        created(),
        instant("retired_at"),
        *areas(),
        to("compound_id", "area", "housekeeping_provider"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housekeeping_provider")),
    )
    op.create_index(
        "uq_housekeeping_provider_open",
        "housekeeping_provider",
        ["compound_id", "name"],
        unique=True,
        postgresql_where=sa.text("retired_at is null"),
    )
    op.create_table(
        "housekeeping_service",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("price_fen", sa.Integer(), nullable=False),
        sa.Column("minimum_fen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("pace", sa.Integer(), nullable=True),
        sa.Column("free_hours", sa.Integer(), server_default="24", nullable=False),
        sa.Column("late_percent", sa.Integer(), server_default="0", nullable=False),
        created(),
        instant("retired_at"),
        *areas(),
        sa.CheckConstraint("unit in ('hour','visit','square_metre')", name=op.f("ck_housekeeping_service_unit")),
        sa.CheckConstraint("(unit = 'square_metre') = (pace is not null)", name=op.f("ck_housekeeping_service_pace")),
        sa.CheckConstraint("price_fen > 0 and minimum_fen >= 0", name=op.f("ck_housekeeping_service_price")),
        sa.CheckConstraint("late_percent between 0 and 100", name=op.f("ck_housekeeping_service_late_percent")),
        to("provider_id", "housekeeping_provider", "housekeeping_service"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housekeeping_service")),
    )
    op.create_index(
        "uq_housekeeping_service_open",
        "housekeeping_service",
        ["provider_id", "name"],
        unique=True,
        postgresql_where=sa.text("retired_at is null"),
    )
    op.create_table(
        "housekeeping_worker",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("worker_account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ratings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stars", sa.Integer(), server_default="0", nullable=False),
        created(),
        instant("retired_at"),
        *areas(),
        to("provider_id", "housekeeping_provider", "housekeeping_worker"),
        to("worker_account_id", "account", "housekeeping_worker"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housekeeping_worker")),
    )
    op.create_index("ix_housekeeping_worker_provider_id", "housekeeping_worker", ["provider_id"], unique=False)
    op.create_index(
        "uq_housekeeping_worker_open",
        "housekeeping_worker",
        ["compound_id", "worker_account_id"],
        unique=True,
        postgresql_where=sa.text("retired_at is null"),
    )
    op.create_table(
        "housekeeping_shift",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("worker_id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=False),
        sa.Column("closes", sa.SmallInteger(), nullable=False),
        *areas(),
        sa.CheckConstraint("weekday between 1 and 7", name=op.f("ck_housekeeping_shift_weekday")),
        sa.CheckConstraint(
            "opens >= 0 and opens < closes and closes <= 1440", name=op.f("ck_housekeeping_shift_hours")
        ),
        to("worker_id", "housekeeping_worker", "housekeeping_shift"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housekeeping_shift")),
        postgresql.ExcludeConstraint(
            (sa.column("worker_id"), "="),
            (sa.column("weekday"), "="),
            (sa.text("int4range(opens, closes)"), "&&"),
            name=op.f("ex_housekeeping_shift_overlap"),
            using="gist",
        ),
    )
    op.create_table(
        "housekeeping_hold",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("worker_account_id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=True),
        instant("starts_at", nullable=False),
        instant("ends_at", nullable=False),
        instant("removed_at"),
        *areas(),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_housekeeping_hold_span")),
        to("worker_account_id", "account", "housekeeping_hold"),
        to("home_id", "home", "housekeeping_hold"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housekeeping_hold")),
        postgresql.ExcludeConstraint(
            (sa.column("worker_account_id"), "="),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("removed_at is null"),
            name=op.f("ex_housekeeping_hold_overlap"),
            using="gist",
        ),
    )
    op.create_table(
        "housekeeping_absence",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("worker_id", sa.Integer(), nullable=False),
        sa.Column("worker_account_id", sa.Integer(), nullable=False),
        sa.Column("hold_id", sa.Integer(), nullable=False),
        instant("starts_at", nullable=False),
        instant("ends_at", nullable=False),
        created(),
        instant("removed_at"),
        *areas(),
        to("worker_id", "housekeeping_worker", "housekeeping_absence"),
        to("worker_account_id", "account", "housekeeping_absence"),
        to("hold_id", "housekeeping_hold", "housekeeping_absence"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housekeeping_absence")),
    )
    op.create_index(
        "ix_housekeeping_absence_worker_id", "housekeeping_absence", ["worker_id", "starts_at"], unique=False
    )
    secure()
    who_is_busy()


def secure() -> None:
    """Policies and rights."""
    for table in ("provider", "service", "worker", "shift"):
        tenant(f"housekeeping_{table}", neighbours=True)
    tenant("housekeeping_hold", home="home_id", worker="worker_account_id")
    tenant("housekeeping_absence", worker="worker_account_id")
    for table in ("provider", "service", "worker", "hold", "absence"):
        allow(f"housekeeping_{table}", "select, insert, update")
    allow("housekeeping_shift", "select, insert, delete")
    for table in ("provider", "service", "worker", "shift", "hold", "absence"):
        allow(f"housekeeping_{table}", "select", "zhian_auditor")
    op.execute("grant usage on all sequences in schema public to zhian_app")


def who_is_busy() -> None:
    """When somebody is busy is asked by those who see neither whose home they are in nor their other compounds."""
    op.execute("create policy busy on housekeeping_hold for select to zhian_owner using (removed_at is null)")
    op.execute("""
        create function zhian_housekeeping_busy(accounts int[], since timestamptz, until timestamptz)
        returns table (worker_account_id int, starts_at timestamptz, ends_at timestamptz)
        language sql stable security definer set search_path = public, pg_temp
        as $$ select h.worker_account_id, h.starts_at, h.ends_at from housekeeping_hold h
              where h.worker_account_id = any(accounts) and h.removed_at is null
                and tstzrange(h.starts_at, h.ends_at) && tstzrange(since, until) $$
    """)
    signature = "zhian_housekeeping_busy(int[], timestamptz, timestamptz)"
    op.execute(f"revoke execute on function {signature} from public")
    op.execute(f"grant execute on function {signature} to zhian_app")
