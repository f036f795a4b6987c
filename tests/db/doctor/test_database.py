"""The doctor's checks of a database: a sound one passes, and each damage is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cli.doctor.database import DatabaseChecks
from cli.doctor.finding import Finding, State
from domain.kernel.uow import Database
from integrations.postgres import create_engine

MONTH = datetime.now(UTC).strftime("%Y%m")


@pytest.fixture
def checks(engine: AsyncEngine, database_url: str) -> DatabaseChecks:
    return DatabaseChecks(Database(engine), database_url)


async def findings(checks: DatabaseChecks) -> dict[str, Finding]:
    """Every finding by name."""
    made = (
        checks.server, checks.durability, checks.role, checks.row_security, checks.schema,
        checks.origin, checks.partitions, checks.clock, checks.outbox, checks.ingest,
    )  # fmt: skip
    return {found.name: found for check in made for found in await check()}


async def test_a_sound_database_passes_every_check(checks: DatabaseChecks) -> None:
    found = await findings(checks)

    assert {name: f.state for name, f in found.items() if f.state is not State.OK} == {}
    assert all(f.do == "" for f in found.values())
    assert set(found) >= {"fsync", "full_page_writes", "synchronous_commit", "role", "schema", "ingest", "quarantine"}


DAMAGE = {
    "row-level security": ("alter table device no force row level security", State.FAIL, "device"),
    "schema": ("update alembic_version set version_num = '0001'", State.FAIL, "at 0001"),
    "origin": ("update log_epoch set server = '7'", State.FAIL, "another server"),
    "partitions": (f"drop table event_p{MONTH}", State.FAIL, f"event_p{MONTH}"),
    "dead letters": (
        "insert into outbox_event (name, payload, created_at, due_at, state) values ('x', '{}', now(), now(), 'dead')",
        State.WARN,
        "1",
    ),
    "outbox": (
        (
            "insert into outbox_event (name, payload, created_at, due_at)"
            " values ('x', '{}', now() - interval '1 hour', now())"
        ),
        State.FAIL,
        "1 waiting, the oldest for 36",
    ),
    "ingest": (
        (
            "insert into ingest_tally (channel, received, stored, duplicate, quarantined, late)"
            " values ('http', 10, 8, 1, 0, 0)"
        ),
        State.FAIL,
        "10 received = 8 stored + 1 duplicate + 0 quarantined",
    ),
    "quarantine": (
        (
            "insert into ingest_tally (channel, received, stored, duplicate, quarantined, late)"
            " values ('http', 100, 90, 0, 10, 0)"
        ),
        State.WARN,
        "0 in the last day",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_each_damage_is_named_with_what_to_do(
    checks: DatabaseChecks, superuser: asyncpg.Connection, name: str
) -> None:
    statement, state, said = DAMAGE[name]
    await superuser.execute(statement)

    found = await findings(checks)

    bad = [f for f in found.values() if f.state is not State.OK]
    assert [(f.name, f.state) for f in bad] == [(name, state)]
    assert said in bad[0].said
    assert bad[0].do


async def test_a_role_above_row_security_fails(database_url: str, superuser: asyncpg.Connection) -> None:
    engine = create_engine(database_url, role=None, pool_size=1)
    try:
        found = (await DatabaseChecks(Database(engine), database_url).role())[0]
    finally:
        await engine.dispose()

    assert found.state is State.FAIL
    assert "zhian_app" in found.do


@pytest.mark.parametrize(("seconds", "state"), [(0, State.OK), (30, State.WARN), (-90, State.FAIL)])
async def test_a_clock_that_is_off_is_told(
    checks: DatabaseChecks, monkeypatch: pytest.MonkeyPatch, seconds: int, state: State
) -> None:
    class Off(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(seconds=seconds)

    monkeypatch.setattr("cli.doctor.database.datetime", Off)

    assert (await checks.clock())[0].state is state
